"""`traceparent` and `tracestate`, read by the rules of W3C Trace Context, levels 1 and 2."""

import re
from dataclasses import dataclass

LONGEST_STATE = 512
"""The characters of `tracestate` that are handed on, which the standard asks for at least."""

_MOST_MEMBERS = 32
_LONGEST_KEPT_MEMBER = 128
_SAMPLED, _RANDOM = 1, 2
# The version, the trace, the parent, the flags; a later version may add fields.
_HEADER = re.compile(r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-[!-~]*)?")
_MEMBER = re.compile(r"[a-z0-9][a-z0-9_\-*/@]{0,255}=[ -+\--<>-~]{0,255}[!-+\--<>-~]")


@dataclass(frozen=True, slots=True)
class TraceContext:
    """A place in a trace, as texts that other programs take: where it is, and what vendors add to it.

    Both are empty outside of a trace.
    """

    traceparent: str = ""
    tracestate: str = ""

    def __bool__(self) -> bool:
        return bool(self.traceparent)

    @property
    def trace_id(self) -> str:
        return self.traceparent[3:35]

    @property
    def span_id(self) -> str:
        return self.traceparent[36:52]

    @property
    def flags(self) -> int:
        return int(self.traceparent[53:55] or "0", 16)

    @property
    def is_sampled(self) -> bool:
        """Whether whoever began the trace records it."""
        return bool(self.flags & _SAMPLED)


NO_TRACE = TraceContext()


def received(traceparent: str | None, tracestate: str | None = "") -> TraceContext:
    """What a caller says, with a header that came several times joined by commas; empty if it breaks the rules.

    It is handed on in version 00, with the flags that this version knows.
    """
    # Most requests have none.
    if not traceparent:
        return NO_TRACE
    found = _HEADER.fullmatch(traceparent.strip(" \t"))
    if found is None:
        return NO_TRACE
    version, trace_id, span_id, flags, further = found.groups()
    # A comma joins two headers, of which neither counts.
    if further and (version == "00" or "," in further):
        return NO_TRACE
    known = int(flags, 16) & (_SAMPLED | _RANDOM)
    return TraceContext(f"00-{trace_id}-{span_id}-{known:02x}", _state(tracestate or ""))


def _state(header: str) -> str:
    """The members, at most 512 characters of them; nothing if one of them is malformed or there are too many."""
    members = [member for part in header.split(",") if (member := part.strip(" \t"))]
    if len(members) > _MOST_MEMBERS or not all(map(_MEMBER.fullmatch, members)):
        return ""
    kept: dict[str, str] = {}
    for member in members:
        # The first one of a key is the newest.
        kept.setdefault(member.partition("=")[0], member)
    return ",".join(_short(list(kept.values())))


def _short(members: list[str]) -> list[str]:
    """As many as fit. The standard lets long members go first, and then the oldest, which stand last."""
    if _length(members) > LONGEST_STATE:
        members = [member for member in members if len(member) <= _LONGEST_KEPT_MEMBER]
    while _length(members) > LONGEST_STATE:
        members = members[:-1]
    return members


def _length(members: list[str]) -> int:
    return sum(map(len, members)) + max(0, len(members) - 1)
