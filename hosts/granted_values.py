"""The credentials of a run in its script's process."""

from collections.abc import Iterator, Mapping

from foundation.value_masks import ValueMasks


class GrantedValues(Mapping[str, str]):
    """The values that the script may read, by name. It notes which ones are read."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        self._used: dict[str, None] = {}

    @property
    def used(self) -> list[str]:
        """The names of those that were read, in order."""
        return list(self._used)

    @property
    def masks(self) -> ValueMasks:
        """Hides them in messages."""
        return ValueMasks(self._values.values())

    def __getitem__(self, name: str) -> str:
        value = self._values[name]
        self._used[name] = None
        return value

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)
