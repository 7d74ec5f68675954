"""The indices behind the aliases: making, finding, swapping, and what may be wrong with them."""

from typing import Any

from search.connection import MirrorError, asking, client
from search.kinds import INDEX_SETTINGS, MirroredKind

CLOSED = "the index is closed"
BLOCKED = "the index is blocked"
MISSING = "the alias is missing"
FOREIGN = "an index has the alias' name"
CHANGED = "the mapping is not ours"
NOT_OURS = frozenset({MISSING, FOREIGN, CHANGED})
"""What only a new index can set right."""


def create(kind: MirroredKind) -> str:
    """A new, empty index; its name. An alias of its own marks it as one that may be published.

    Raises:
        MirrorError: it cannot be made.
    """
    index = kind.new_index()
    settings = INDEX_SETTINGS | {"refresh_interval": -1}
    with asking():
        client().indices.create(index=index, mappings=kind.mapping, settings=settings, aliases={_mark(index): {}})
    return index


def _mark(index: str) -> str:
    return f"{index}-filling"


def forbid(index: str) -> bool:
    """Take the mark from `index`, so that it can never be published; returns whether it had one.

    Raises:
        MirrorError: it cannot be done.
    """
    with asking():
        answer = client().options(ignore_status=404).indices.delete_alias(index=index, name=_mark(index))
    return answer.meta.status < 400


def publish(kind: MirroredKind, index: str) -> bool:
    """Let the alias mean `index` and, in the same step, no other index; the former one is then removed.

    Nothing changes if the mark is gone; returns whether the alias means `index`.

    Raises:
        MirrorError: it cannot be done.
    """
    try:
        with asking():
            client().indices.put_settings(index=index, settings={"refresh_interval": None})
            client().indices.refresh(index=index)
        former = _behind(kind)
        _move_alias(kind, index, former)
    except MirrorError:
        # The answer alone may have been lost on the way.
        if _behind(kind) == {index}:
            return True
        if _is_marked(index):
            raise
        return False
    remove(former - {index, kind.alias})
    return True


def _move_alias(kind: MirroredKind, index: str, former: set[str]) -> None:
    """Move the alias and remove the mark in one step, which fails if another process has taken the mark."""
    actions: list[dict[str, Any]] = [
        {"remove": {"index": index, "alias": _mark(index), "must_exist": True}},
        {"add": {"index": index, "alias": kind.alias, "is_write_index": True}},
    ]
    # An index that has taken the alias' name has to go for it.
    actions += [
        {"remove_index": {"index": each}} if each == kind.alias else {"remove": {"index": each, "alias": kind.alias}}
        for each in former - {index}
    ]
    with asking():
        client().indices.update_aliases(actions=actions)


def _is_marked(index: str) -> bool:
    with asking():
        return bool(client().indices.exists_alias(index=index, name=_mark(index)))


def remove(indices: set[str]) -> None:
    """Delete these indices.

    Raises:
        MirrorError: it cannot be done.
    """
    for index in sorted(indices):
        with asking():
            # Another process may remove it at the same moment.
            client().options(ignore_status=404).indices.delete(index=index)


def remove_leftovers(kind: MirroredKind, filling: str = "") -> None:
    """Delete indices of ours that nothing uses: those of rebuilds that were given up. `filling` is kept.

    Raises:
        MirrorError: it cannot be done.
    """
    with asking():
        found = client().indices.get(
            index=kind.indices, expand_wildcards="all", ignore_unavailable=True, features="aliases"
        )
    for name, content in found.items():
        index, aliases = str(name), content["aliases"].keys()
        # An index that was published since then has no mark any more.
        if not aliases or (aliases == {_mark(index)} and index != filling and forbid(index)):
            remove({index})


def fault(kind: MirroredKind) -> str:
    """What is wrong with what the alias means, in words; empty when nothing is.

    Raises:
        MirrorError: nobody answers.
    """
    behind = sorted(_behind(kind))
    if not behind:
        return MISSING
    if behind == [kind.alias]:
        return FOREIGN
    if len(behind) > 1:
        return f"the alias means {len(behind)} indices"
    with asking():
        settings = client().indices.get_settings(index=behind[0], expand_wildcards="all", flat_settings=True)
        state = client().cluster.state(metric="metadata", index=behind[0], expand_wildcards="all")
        mapping = client().indices.get_mapping(index=behind[0], expand_wildcards="all")[behind[0]]["mappings"]
    if state["metadata"]["indices"][behind[0]]["state"] == "close":
        return CLOSED
    if mapping != kind.mapping:
        return CHANGED
    return _block(settings[behind[0]]["settings"])


def _block(settings: dict[str, Any]) -> str:
    blocks = sorted(name for name, value in settings.items() if name.startswith("index.blocks.") and value == "true")
    return f"{BLOCKED} ({', '.join(blocks)})" if blocks else ""


def open_again(kind: MirroredKind) -> None:
    """Open a closed index, and wait until it can be searched.

    Raises:
        MirrorError: it cannot be done.
    """
    with asking():
        client().indices.open(index=kind.alias, wait_for_active_shards="1")


def _behind(kind: MirroredKind) -> set[str]:
    """The indices that the alias means, or the index that has its name."""
    with asking():
        found = client().indices.get(
            index=kind.alias, expand_wildcards="all", ignore_unavailable=True, features="aliases"
        )
    return {str(name) for name in found}
