"""CSV that spreadsheets read as text and numbers, never as formulas."""

import csv
from collections.abc import Iterable, Iterator
from typing import Final

Value = str | int | float | None

# Spreadsheets take text that begins with one of these for a formula, and users choose names freely.
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")


def csv_lines(names: Iterable[str], rows: Iterable[Iterable[Value]]) -> Iterator[str]:
    """The lines of a file, one at a time."""
    writer = csv.writer(_Echo())
    # A byte order mark: without it, spreadsheets do not read UTF-8.
    yield "\ufeff" + str(writer.writerow(names))
    for row in rows:
        yield str(writer.writerow(_harmless(value) for value in row))


def _harmless(value: Value) -> Value:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA_STARTS) else value


class _Echo:
    def write(self, line: str) -> str:
        """Returns the line, which `writerow` then returns."""
        return line
