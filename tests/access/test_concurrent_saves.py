"""Many saves of one object at the same moment: none is lost, none counted twice."""

from functools import partial

import pytest

from definitions.models import ApiDefinition
from objects.changes import save_checked
from testbed.publisher import Publisher
from tests.race import race

WRITERS = 20


@pytest.fixture
def api(open_db):
    return Publisher()(route="a/{b}")


def _save(kind, pk, number: int) -> int:
    copy = kind.objects.get(pk=pk)
    copy.name = f"written by {number}"
    return int(save_checked(copy, by=f"writer {number}").revision)


@pytest.mark.parametrize("what", ["token", "definition", "script"])
def test_every_save_has_a_revision_of_its_own(api, what):
    made = api.definition.script if what == "script" else getattr(api, what)
    before = made.revision
    revisions = race(*(partial(_save, type(made), made.pk, number) for number in range(WRITERS)))
    assert sorted(revisions) == list(range(before + 1, before + 1 + WRITERS))
    stored = type(made).objects.get(pk=made.pk)
    assert stored.revision == before + WRITERS
    last = revisions.index(stored.revision)
    assert (stored.name, stored.last_modified_by) == (f"written by {last}", f"writer {last}")
    assert ApiDefinition.objects.count() == 1
