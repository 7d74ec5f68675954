"""Which versions a worker node keeps in memory."""

from fleet import script_cache
from fleet.script_cache import load, load_by_name
from objects.changes import save_checked


def test_versions_that_were_asked_for_lately_are_kept_up_to_a_size(publish, monkeypatch):
    first, second = (publish.script(f"def run(engine): pass\n# {letter * 600}", name=letter) for letter in "ab")
    monkeypatch.setattr(script_cache, "_KEPT_BYTES", script_cache._versions._bytes + 1_000)
    kept = load_by_name("a")
    assert load(str(first.pk), 1, "a") is kept
    assert (kept.version, kept.name, kept.source) == (1, "a", first.source)
    # One of both fits.
    load(str(second.pk), 1, "b")
    assert load_by_name("a") is not kept
    assert load_by_name("a") == kept


def test_script_that_is_saved_is_found_in_its_new_version(publish):
    script = publish.script("def run(engine): pass", name="c")
    assert load_by_name("c").version == 1
    script.source += "\n"
    save_checked(script, "system")
    assert (load_by_name("c").version, load(str(script.pk), 1, "c").version) == (2, 1)
