"""Every link of the documentation has a target, and every page is found from the README."""

from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from testbed.stack import ROOT
from tests.docs import pages
from tests.values import for_each

CLICKS = 2


def inside(page: str) -> list[tuple[str, str]]:
    """The path and anchor of each link of a page to a file of the repository."""
    found = []
    for address in pages.links(page):
        parts = urlsplit(address)
        if not parts.scheme and not parts.netloc:
            path = (ROOT / page).parent / unquote(parts.path) if parts.path else ROOT / page
            found.append((path.resolve().relative_to(ROOT).as_posix(), unquote(parts.fragment)))
    return found


@for_each("page", pages.PAGES)
def test_every_link_has_a_target(page):
    dead = [path for path, _ in inside(page) if not (ROOT / path).exists()]
    assert not dead
    lost = [
        f"{path}#{anchor}"
        for path, anchor in inside(page)
        if anchor and PurePosixPath(path).suffix == ".md" and anchor not in pages.anchors(ROOT / path)
    ]
    assert not lost


@for_each("page", pages.PAGES)
def test_links_are_relative_or_complete(page):
    assert not [address for address in pages.links(page) if address.startswith(("/", "http://localhost"))]


def test_every_page_is_found_from_the_readme():
    reached = {"README.md"}
    for _ in range(CLICKS):
        reached |= {path for page in reached & set(pages.PAGES) for path, _ in inside(page)}
    assert not set(pages.PAGES) - reached


def test_a_page_with_a_dead_link_would_be_found(tmp_path, monkeypatch):
    page = tmp_path / "links.md"
    page.write_text(
        "# A `head`, twice!\n\n# A head twice\n\n[one](missing.md) ![two](missing.png) [a](#a-head-twice-1)"
    )
    monkeypatch.setattr(pages, "ROOT", tmp_path)
    assert list(pages.links("links.md")) == ["missing.md", "missing.png", "#a-head-twice-1"]
    assert pages.anchors(page) == {"a-head-twice", "a-head-twice-1"}
