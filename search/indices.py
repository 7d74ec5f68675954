"""The indices behind the aliases: making, finding, swapping, and what may be wrong with them."""

from typing import Any

from search.connection import asking, client
from search.kinds import INDEX_SETTINGS, Kind

CLOSED = "the index is closed"
BLOCKED = "the index is blocked"
MISSING = "the alias is missing"
FOREIGN = "an index has the alias' name"
CHANGED = "the mapping is not ours"
NOT_OURS = frozenset({MISSING, FOREIGN, CHANGED})
"""What only a new index can set right."""


def create(kind: Kind) -> str:
    """A new, empty index; its name.

    Raises:
        MirrorError: it cannot be made.
    """
    index = kind.new_index()
    with asking():
        client().indices.create(index=index, mappings=kind.mapping, settings=INDEX_SETTINGS | {"refresh_interval": -1})
    return index


def publish(kind: Kind, index: str) -> None:
    """From here on the alias means `index`; in the same moment it stops to mean any other, which is then removed.

    Raises:
        MirrorError: it cannot be done.
    """
    with asking():
        client().indices.put_settings(index=index, settings={"refresh_interval": None})
        client().indices.refresh(index=index)
        former = _behind(kind)
        actions: list[dict[str, Any]] = [{"add": {"index": index, "alias": kind.alias, "is_write_index": True}}]
        # An index that has taken the alias' name has to go for it.
        actions += [
            {"remove_index": {"index": each}}
            if each == kind.alias
            else {"remove": {"index": each, "alias": kind.alias}}
            for each in former - {index}
        ]
        client().indices.update_aliases(actions=actions)
    remove(former - {index, kind.alias})


def remove(indices: set[str]) -> None:
    """Delete these indices.

    Raises:
        MirrorError: it cannot be done.
    """
    for index in sorted(indices):
        with asking():
            client().indices.delete(index=index, ignore_unavailable=True)


def leftovers(kind: Kind) -> set[str]:
    """Indices of ours that nothing uses: those of rebuilds that were given up.

    Raises:
        MirrorError: nobody answers.
    """
    with asking():
        found = client().indices.get(index=kind.indices, expand_wildcards="all", features="aliases")
    return {str(name) for name, content in found.items() if not content["aliases"]}


def fault(kind: Kind) -> str:
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


def open_again(kind: Kind) -> None:
    """Open a closed index, and wait until it can be searched.

    Raises:
        MirrorError: it cannot be done.
    """
    with asking():
        client().indices.open(index=kind.alias, wait_for_active_shards="1")


def _behind(kind: Kind) -> set[str]:
    """The indices that the alias means, or the index that has its name."""
    with asking():
        found = client().indices.get(
            index=kind.alias, expand_wildcards="all", ignore_unavailable=True, features="aliases"
        )
    return {str(name) for name in found}
