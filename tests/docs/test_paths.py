"""What the docs say about the tree is true: files, folders, layers, and what a property touches."""

import re
import tomllib
from itertools import pairwise

from testbed.stack import ROOT
from tests.docs import pages
from tests.values import for_each

LONGEST_PAGE = 200
MOST_FILES_OF_A_PROPERTY = 10
# Folders are named with a slash at their end; elsewhere these are addresses of the management API.
NAMES_FOLDERS = ("docs/internals/", "CONTRIBUTING.md")

FILE = re.compile(r"(?<![\w./-])(?:[\w.-]+/)+[\w.-]+\.(?:py|md|json|ya?ml|toml|txt|conf|service|js|css|html|svg|png)\b")
FOLDER = re.compile(r"`((?:[\w.-]+/)+)`")


def named(page: str) -> set[str]:
    """The files and folders of the repository that a page names, links apart."""
    text = (ROOT / page).read_text()
    found = FILE.findall(text) + (FOLDER.findall(text) if page.startswith(NAMES_FOLDERS) else [])
    tops = {entry.name for entry in ROOT.iterdir() if entry.is_dir() and entry.name != "var"}
    return {path for path in found if path.split("/")[0] in tops and "NAME" not in path}


@for_each("page", pages.PAGES)
def test_every_path_that_a_page_names_exists(page):
    assert not [path for path in sorted(named(page)) if not (ROOT / path).exists()]


def test_a_path_that_does_not_exist_would_be_found(tmp_path, monkeypatch):
    (tmp_path / "fleet").mkdir()
    (tmp_path / "docs/internals").mkdir(parents=True)
    (tmp_path / "docs/internals/page.md").write_text("`fleet/old.py`, `fleet/gone/`, ../apis/hello.py, `encoders/{id}`")
    monkeypatch.setattr("tests.docs.test_paths.ROOT", tmp_path)
    assert named("docs/internals/page.md") == {"fleet/old.py", "fleet/gone/"}


def test_every_folder_of_the_product_is_in_the_architecture():
    page = (ROOT / "docs/internals/architecture.md").read_text()
    packages = {file.parent.name for file in ROOT.glob("[a-z]*/__init__.py")}
    assert not [package for package in sorted(packages) if f"`{package}/`" not in page]


def test_the_layers_are_those_that_are_checked():
    (block,) = (each for each in pages.blocks("docs/internals/architecture.md") if "foundation" in each.text)
    contract = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0]
    assert block.text.splitlines() == contract["layers"]


def test_a_property_touches_few_files():
    table = pages.tokens("CONTRIBUTING.md")
    (start,) = (
        index for index, (heading, text) in enumerate(pairwise(table))
        if heading.type == "heading_open" and text.content == "a property of an object"
    )  # fmt: skip
    rows = 0
    for token in table[start:]:
        if token.type == "table_close":
            break
        rows += token.type == "tr_open"
    assert 1 < rows <= 1 + MOST_FILES_OF_A_PROPERTY


@for_each("page", [page for page in pages.PAGES if page.startswith("docs/")])
def test_a_page_can_be_read_in_one_go(page):
    assert len((ROOT / page).read_text().splitlines()) <= LONGEST_PAGE
