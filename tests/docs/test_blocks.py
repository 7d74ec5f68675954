"""Every block of code is run or says why not, and is valid in its language."""

import ast
import json
from collections.abc import Callable, Iterator
from typing import Any

import yaml

from tests.docs import pages
from tests.docs.page_run import RUNS
from tests.values import for_each

DATA: dict[str, Callable[[str], Any]] = {"json": json.loads, "yaml": yaml.safe_load, "yml": yaml.safe_load}


def every() -> Iterator[pages.CodeBlock]:
    for page in pages.PAGES:
        yield from pages.blocks(page)


@for_each("block", every())
def test_every_block_is_checked_or_says_why_not(block):
    if block.has("not run"):
        assert len(block.order("not run").split()) > 2, "the comment must say why, and which test shows the same"
        return
    assert block.language in RUNS or block.language in DATA, (
        "a block is sh, console, python, json or yaml, or a comment above it says <!-- not run: why -->"
    )


@for_each("block", (block for block in every() if block.language in DATA))
def test_json_and_yaml_blocks_parse(block):
    if not block.has("not run"):
        DATA[block.language](block.text)


@for_each("block", (block for block in every() if block.language == "python"))
def test_python_blocks_compile(block):
    ast.parse(block.text, str(block))


def test_comments_above_a_block_are_its_orders(tmp_path, monkeypatch):
    page = tmp_path / "page.md"
    page.write_text(
        "<!-- not run: needs root -->\n<!-- with: … = $KEY -->\n```sh\nmake\n```\n\n<!-- note -->\n\n    x\n"
    )
    monkeypatch.setattr(pages, "ROOT", tmp_path)
    first, second = pages.blocks("page.md")
    assert (first.line, first.language, first.text) == (3, "sh", "make\n")
    assert first.orders == {"not run": ["needs root"], "with": ["… = $KEY"]}
    assert (second.language, second.orders) == ("", {})
