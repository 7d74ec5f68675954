"""The pages of the documentation: their blocks of code with the orders in comments, their links, their anchors.

A code host does not show the comments right above a block; CONTRIBUTING.md lists the orders.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from testbed.stack import ROOT

PAGES = tuple(
    sorted(page.relative_to(ROOT).as_posix() for page in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")))
)
ORDERS = (
    *("not run", "before", "after", "with", "form of", "run by", "endless"),
    *("script", "credential", "sent", "answer"),
)

_COMMENT = re.compile(r"<!--\s*(.*?)\s*-->", re.DOTALL)
_ORDER = re.compile(rf"({'|'.join(ORDERS)})\b:?\s*(.*)", re.DOTALL)


@dataclass(frozen=True)
class CodeBlock:
    """A block of code and its orders: name → values."""

    page: str
    line: int
    language: str
    text: str
    orders: dict[str, list[str]] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"

    def order(self, name: str) -> str:
        """The values of the order `name`, one per line; empty if there is none."""
        return "\n".join(self.orders.get(name, []))

    def has(self, name: str) -> bool:
        return name in self.orders


@cache
def tokens(page: str) -> Sequence[Token]:
    return MarkdownIt("commonmark").enable("table").parse((ROOT / page).read_text())


@cache
def blocks(page: str) -> list[CodeBlock]:
    found: list[CodeBlock] = []
    above: list[str] = []
    for token in tokens(page):
        if token.type == "html_block":
            above += _COMMENT.findall(token.content)
        elif token.type in {"fence", "code_block"}:
            line = (token.map or [0])[0] + 1
            found.append(CodeBlock(page, line, token.info.strip(), token.content, _orders(above)))
            above = []
        else:
            above = []
    return found


def links(page: str) -> Iterator[str]:
    """The targets of a page's links and pictures."""
    for token in tokens(page):
        for child in token.children or ():
            address = child.attrGet("href") or child.attrGet("src")
            if address is not None:
                yield str(address)


@cache
def anchors(path: Path) -> frozenset[str]:
    """The anchors that code hosts give to the headings of a page."""
    slugs: list[str] = []
    found: set[str] = set()
    parsed = MarkdownIt("commonmark").parse(path.read_text())
    for heading, content in pairwise(parsed):
        if heading.type == "heading_open":
            text = "".join(child.content for child in content.children or ())
            slug = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
            slugs.append(slug)
            found.add(f"{slug}-{slugs.count(slug) - 1}" if slugs.count(slug) > 1 else slug)
    return frozenset(found)


def _orders(comments: list[str]) -> dict[str, list[str]]:
    orders: dict[str, list[str]] = {}
    for comment in comments:
        order = _ORDER.fullmatch(comment)
        if order is not None:
            orders.setdefault(order[1], []).append(order[2])
    return orders
