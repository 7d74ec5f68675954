"""The mirror with many definitions: its rebuild during changes and searches, and its search beside the database's own.

`python -m benchmarks.mirror [COUNT]` starts an Elasticsearch and a database of its own, and prints the figures.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import mirrored
from benchmarks.fill import fill
from benchmarks.stopwatch import median_seconds, seconds
from testbed.stack import PYTHON, ROOT, Machine

CHANGES_A_SECOND = 50
ROUNDS = 20
TURNS = 2
CHANGERS = 3
"""Processes that make the changes. A single one would wait for each commit."""


def main(count: int) -> None:
    with (
        mirrored.elasticsearch() as server,
        tempfile.TemporaryDirectory(prefix="udapi-mirror-") as directory,
        mirrored.installation(Path(directory), server.url, server.password, "benchmark") as machine,
    ):
        print(f"{count} definitions and tokens made in {seconds(partial(fill, count)):.0f} s")
        _measure(count, machine)


def _measure(count: int, machine: Machine) -> None:
    from search.drift import check
    from search.indices import MIRRORED

    print(f"first fill of {2 * count} documents: {_rebuild(2 * count, *MIRRORED):.0f}/s")
    documents = _documents(MIRRORED["definitions"])
    _beside(count, documents, "without other load")
    with ExitStack() as programs:
        follower = machine.start_background()
        programs.callback(follower.wait)
        programs.callback(follower.terminate)
        changers = [programs.enter_context(_program("changes", str(number))) for number in range(CHANGERS)]
        time.sleep(5)
        _beside(count, documents, "during changes and searches")
    _print_changes([json.loads(said()) for said in changers])
    del documents
    began = time.perf_counter()
    _drain()
    findings = [check(kind) for kind in MIRRORED.values()]
    took, found = time.perf_counter() - began, sum(len(each.ids) for each in findings)
    print(f"check of {2 * count} documents: {took:.0f} s, {found} found")
    _searches(count)


def _beside(count: int, documents: list[dict[str, Any]], what: str) -> None:
    """The bare library and our rebuild in turns, so that other load on the machine affects both."""
    bare, built = [], []
    for _ in range(TURNS):
        bare.append(_bare(documents))
        built.append(_rebuild(count, "definitions"))
        print(f"  bare {bare[-1]:.0f}/s, rebuild {built[-1]:.0f}/s", flush=True)
    one, other = statistics.median(bare), statistics.median(built)
    print(f"{what}: bare helpers.bulk {one:.0f}/s, rebuild {other:.0f}/s, {other / one:.2f} of it")


def _rebuild(count: int, *kinds: str) -> float:
    """Rebuild the kinds, which have `count` documents altogether; returns documents per second."""
    from search.indices import MIRRORED
    from search.rebuild import rebuild

    return count / sum(seconds(partial(rebuild, MIRRORED[kind])) for kind in kinds)


def _drain() -> None:
    from search.outbox import drain

    while drain():
        pass


def _documents(kind: Any) -> list[dict[str, Any]]:
    from search.writes import pages

    return [{"_id": key, "_source": action["_source"]} for page in pages(kind) for key, action in page.items()]


def _bare(documents: list[dict[str, Any]]) -> float:
    """Documents per second that the library's helper writes to an index of the same kind, and nothing else."""
    from elasticsearch.helpers import bulk

    from search.connection import client
    from search.indices import INDEX_SETTINGS, MIRRORED

    kind = MIRRORED["definitions"]
    index = f"bare-{kind.alias}"
    client().indices.create(index=index, mappings=kind.mapping, settings=INDEX_SETTINGS | {"refresh_interval": -1})
    took = seconds(partial(bulk, client(), documents, index=index))
    client().indices.delete(index=index)
    return len(documents) / took


def _print_changes(changed: list[dict[str, Any]]) -> None:
    total = {name: sum(each[name] for each in changed) for name in changed[0]}
    print(
        f"meanwhile {total['speed']:.0f} changes/s of {total['median'] / len(changed):.1f} ms, "
        f"{total['sought']} searches, {total['missed']} missed, {total['elsewhere']} by the database"
    )


@contextmanager
def _program(*words: str) -> Iterator[Callable[[], str]]:
    """Run `python -m benchmarks.mirror …` during the block; gives a function that returns its last line afterwards."""
    command = ["-m", "benchmarks.mirror", *words]
    process = subprocess.Popen([PYTHON, *command], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    said: list[str] = []
    try:
        yield lambda: said[0]
    finally:
        process.terminate()
        said.append((process.communicate()[0].strip().splitlines() or [""])[-1])


def _changes(part: int) -> None:
    """Change and search until SIGTERM; then print figures as JSON."""
    import signal

    import django

    django.setup()
    from django.contrib.auth.models import User

    from definitions.models import ApiDefinition
    from objects.changes import save_checked
    from search.query import matching_ids

    going = [True]
    signal.signal(signal.SIGTERM, lambda *_: going.clear())
    user = User(is_active=True, is_superuser=True)
    ids = list(ApiDefinition.objects.order_by("pk").values_list("pk", flat=True)[part : 2_000 * CHANGERS : CHANGERS])
    took, sought, missed, elsewhere, number = [], 0, 0, 0, 0
    began = time.perf_counter()
    while going:
        definition = ApiDefinition.objects.get(pk=ids[number % len(ids)])
        definition.description = f"change {number}"
        took.append(seconds(partial(save_checked, definition, "benchmark")))
        number += 1
        if number % 5 == 0:
            found = matching_ids("definitions", definition.route.replace("/", " "), user, limit=100)
            sought += 1
            elsewhere += not found.is_from_mirror
            missed += found.is_from_mirror and str(definition.pk) not in found.ids
        time.sleep(max(0, began + number * CHANGERS / CHANGES_A_SECOND - time.perf_counter()))
    median = statistics.median(took) * 1000
    said = {"speed": number / (time.perf_counter() - began), "median": median, "sought": sought, "missed": missed}
    print(json.dumps(said | {"elsewhere": elsewhere}), flush=True)


def _searches(count: int) -> None:
    from definitions.models import ApiDefinition

    wanted = count // 2 // 2 * 2 + 1
    target = ApiDefinition.objects.get(name=f"API {wanted}")
    for name, text in {
        "typo": f"encodr {wanted}",
        "middle segment": f"encoder-{wanted}",
        "prefix": f"API {str(wanted)[:-1]}",
        "token name": f"token {wanted}",
    }.items():
        for source, look in (("mirror", _mirror), ("database", _database)):
            took = median_seconds(partial(look, text), ROUNDS)
            found = "on the first page" if target in look(text) else "not found"
            print(f"search by {name}, {source}: {took * 1000:.0f} ms, {found}")


def _mirror(text: str) -> list[Any]:
    from django.contrib.auth.models import User

    from definitions.models import ApiDefinition
    from search.query import Ranked, matching_ids

    found = matching_ids("definitions", text, User(is_active=True, is_superuser=True))
    assert found.is_from_mirror
    return list(Ranked(ApiDefinition.objects.all(), found.ids)[:100])


def _database(text: str) -> list[Any]:
    from django.db.models import Q

    from definitions.models import ApiDefinition

    columns = ("route", "name", "description", "script__name")
    rows = ApiDefinition.objects.filter(Q(*[(f"{column}__icontains", text) for column in columns], _connector=Q.OR))
    rows.count()
    return list(rows[:100])


if __name__ == "__main__":
    _changes(int(sys.argv[2])) if sys.argv[1:2] == ["changes"] else main(int((sys.argv[1:] or ["100000"])[0]))
