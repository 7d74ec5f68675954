"""The results as Markdown and as plots."""

import datetime
import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import matplotlib as mpl
import psutil
from matplotlib.axes import Axes

mpl.use("Agg")
from matplotlib import pyplot

from benchmarks.speed.rounds import Measured

HERE = Path(__file__).resolve().parent.parent
RESULTS, PLOTS = HERE / "RESULTS.md", HERE / "plots"
_PACKAGES = ("Django", "djangorestframework", "celery", "redis", "gunicorn", "psycopg", "dramatiq")


@dataclass(frozen=True)
class Table:
    """A Markdown table with a title and a note."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[object]]
    note: str = ""

    def __str__(self) -> str:
        lines = [f"## {self.title}", ""]
        if self.note:
            lines += [self.note, ""]
        lines += [_row(self.header), _row(["---"] + ["---:"] * (len(self.header) - 1)), *map(_row, self.rows)]
        return "\n".join(lines)


def _row(cells: Sequence[object]) -> str:
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def write(tables: Sequence[Table]) -> None:
    """Write `benchmarks/RESULTS.md`."""
    RESULTS.write_text("\n\n".join(["# Results of `make bench`", _machine(), *map(str, tables)]) + "\n")


def _machine() -> str:
    memory = psutil.virtual_memory().total / 2**30
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    return (
        f"{today}; {os.cpu_count()} logical processors, {memory:.0f} GB, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}; {packages}. Figures are medians of the rounds; the spread is half of "
        "the difference between the slowest and the fastest round. The load generator shares the processors."
    )


def plot_throughput(found: Mapping[int, Mapping[str, Measured]]) -> None:
    """Answers per second over connections."""
    with _plot("throughput") as axes:
        for name in next(iter(found.values())):
            axes.plot(list(found), [measured[name].rate for measured in found.values()], marker="o", label=name)
        axes.set(xscale="log", yscale="log", xlabel="connections", ylabel="answers per second")
        axes.set_xticks(list(found), [str(connections) for connections in found])


def plot_cost(found: Mapping[str, Measured]) -> None:
    """Processor time per call, by program."""
    left = dict.fromkeys(found, 0.0)
    with _plot("cost") as axes:
        for program in dict.fromkeys(program for measured in found.values() for program in measured.cost()):
            widths = [measured.cost().get(program, 0.0) for measured in found.values()]
            axes.barh(list(found), widths, left=list(left.values()), label=program)
            left = {name: left[name] + width for name, width in zip(found, widths, strict=True)}
        axes.invert_yaxis()
        axes.set(xlabel="processor time per call, ms")


def plot_rates(found: Mapping[float, Mapping[int, float]]) -> None:
    """Percentiles of the time over constant rates."""
    with _plot("rates") as axes:
        for percentile in next(iter(found.values())):
            axes.plot(list(found), [times[percentile] for times in found.values()], marker="o", label=f"p{percentile}")
        axes.set(yscale="log", xlabel="calls per second, constant", ylabel="ms")


@contextmanager
def _plot(name: str) -> Iterator[Axes]:
    """Axes that are saved as `name` when they are filled."""
    figure, axes = pyplot.subplots(figsize=(8, 5))
    yield axes
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small", loc="upper left", bbox_to_anchor=(1.01, 1))
    PLOTS.mkdir(exist_ok=True)
    figure.savefig(PLOTS / f"{name}.png", bbox_inches="tight")
    figure.savefig(PLOTS / f"{name}.svg", bbox_inches="tight", metadata={"Date": None})
    pyplot.close(figure)
