"""Which versions a worker node keeps in memory."""

import pytest

from automation.models import AutomationScript, ScriptVersion
from fleet import script_cache
from fleet.script_cache import NoScriptError, load, load_by_name
from objects.changes import save_checked


def _hash(script: AutomationScript) -> str:
    return ScriptVersion.objects.get(script=script, number=1).content_hash


def test_versions_that_were_asked_for_lately_are_kept_up_to_a_size(publish, monkeypatch):
    first, second = (publish.script(f"def run(engine): pass\n# {letter * 600}", name=letter) for letter in "ab")
    monkeypatch.setattr(script_cache, "_KEPT_BYTES", script_cache._versions._bytes + 1_000)
    found = load_by_name("a")
    kept = load(str(first.pk), 1, "a", found.content_hash)
    assert kept is load(str(first.pk), 1, "a", found.content_hash)
    assert kept == found
    assert (kept.version, kept.name, kept.source) == (1, "a", first.source)
    # One of both fits.
    load(str(second.pk), 1, "b", _hash(second))
    again = load(str(first.pk), 1, "a", kept.content_hash)
    assert again is not kept
    assert again == kept


def test_script_that_is_saved_is_found_in_its_new_version(publish):
    script = publish.script("def run(engine): pass", name="c")
    first = load_by_name("c")
    assert first.version == 1
    script.source += "\n"
    save_checked(script, "system")
    assert (load_by_name("c").version, load(str(script.pk), 1, "c", first.content_hash)) == (2, first)


def test_script_that_is_imported_again_runs_what_it_is_now(publish):
    script = publish.script("def run(engine): pass", name="d")
    before = load_by_name("d")
    script.delete()
    again = publish.script("def run(engine): pass  # now", id=before.id, name="d")
    found = load(before.id, 1, "d", _hash(again))
    assert (found.source, load_by_name("d")) == (again.source, found)
    # A job that was admitted with what it was before runs that or nothing.
    assert load(before.id, 1, "d", before.content_hash) == before
    script_cache._versions._scripts.clear()
    with pytest.raises(NoScriptError):
        load(before.id, 1, "d", before.content_hash)
