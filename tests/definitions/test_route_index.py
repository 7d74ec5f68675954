"""The rows that lead a look-up to a dynamic route are kept up to date with the definition."""

from definitions.changes import save_definition
from definitions.models import ApiDefinition, RoutePrefix
from tests.definitions.conftest import found


def _prefixes(definition: ApiDefinition) -> list[str]:
    return sorted(RoutePrefix.objects.filter(definition=definition).values_list("prefix", flat=True))


def _move(definition: ApiDefinition, route: str) -> None:
    definition.route = route
    save_definition(definition, by="system")


def test_a_static_route_has_no_prefixes(publish_in_process):
    assert _prefixes(publish_in_process("a/b/c")) == []


def test_a_dynamic_route_has_each_of_its_prefixes(publish_in_process):
    definition = publish_in_process("Straße/{id}/B")
    assert _prefixes(definition) == ["/strasse", "/strasse/{}", "/strasse/{}/b"]


def test_an_edit_of_the_route_replaces_its_prefixes(publish_in_process):
    definition = publish_in_process("a/{id}")
    _move(definition, "b/{id}/c")
    assert _prefixes(definition) == ["/b", "/b/{}", "/b/{}/c"]
    assert found(("a", "1")) is None
    assert found(("b", "1", "c")) == ("b/{id}/c", {"id": "1"})
    _move(definition, "static")
    assert _prefixes(definition) == []
    assert found(("b", "1", "c")) is None
    assert found(("STATIC",)) == ("static", {})
    _move(definition, "{all}")
    assert found(("static",)) == ("{all}", {"all": "static"})


def test_an_edit_of_something_else_keeps_the_prefixes(publish_in_process):
    definition = publish_in_process("a/{id}")
    definition.name = "another"
    save_definition(definition, by="system")
    assert _prefixes(definition) == ["/a", "/a/{}"]


def test_an_edit_to_another_case_conflicts_with_nothing(publish_in_process):
    definition = publish_in_process("a/{id}")
    _move(definition, "A/{ticketId}")
    assert found(("a", "1")) == ("A/{ticketId}", {"ticketId": "1"})


def test_a_delete_removes_the_prefixes_and_frees_the_route(publish_in_process):
    kept = publish_in_process("a/{id}/c")
    publish_in_process("a/{id}/b").delete()
    assert _prefixes(kept) == ["/a", "/a/{}", "/a/{}/c"]
    assert RoutePrefix.objects.count() == 3
    assert found(("a", "1", "b")) is None
    publish_in_process("a/{id}/b")


def test_a_prefix_alone_answers_nothing(publish_in_process):
    publish_in_process("a/{id}/b")
    assert found(("a",)) is None
    assert found(("a", "1")) is None
    assert found(("a", "1", "b", "c")) is None


def test_the_longest_routes_are_found(publish_in_process):
    publish_in_process("/".join(["{a}", *["a"] * 123]))
    assert found(("x", *["A"] * 123)) == ("/".join(["{a}", *["a"] * 123]), {"a": "x"})
    publish_in_process("/".join(f"{{{chr(0x4E00 + n)}}}" for n in range(62)))
    answer = found(tuple(str(n) for n in range(62)))
    assert answer is not None
    assert list(answer[1].values()) == [str(n) for n in range(62)]
    publish_in_process("ΐ" * 245 + "/{a}")
    assert found(("\u03b9\u0308\u0301" * 245, "1")) == ("ΐ" * 245 + "/{a}", {"a": "1"})


def test_requests_deeper_than_any_route_find_nothing(publish_in_process):
    publish_in_process("{a}")
    for depth in (125, 126, 4_000):
        assert found(("a",) * depth) is None


def test_a_client_cannot_name_the_inside_of_the_index(publish_in_process):
    publish_in_process("a/{id}")
    assert found(("a", "{}")) == ("a/{id}", {"id": "{}"})
    assert found(("{}", "{}")) is None
    assert found(("a/{}",)) is None
    assert found(("{}",)) is None
