"""What a line under *Needs attention* is made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.functional import Promise

BAD = "bad"
WARN = "warn"


@dataclass(frozen=True)
class Finding:
    """One of the things that a concern is about; `page` is empty where the user may not see it.

    `text` says more about it, `error` what its last run said; `run_page` leads there.
    """

    name: str
    page: str = ""
    text: str = ""
    since: datetime | None = None
    error: str = ""
    run_page: str = ""


@dataclass(frozen=True)
class Concern:
    """A probable mistake or fault. `count` is how many rows it is about, `page` the list of these; both may be missing.

    `key` names it in the page, `findings` are the first few.
    """

    key: str
    title: str | Promise
    meaning: str | Promise
    icon: str
    tone: str
    count: int = 0
    page: str = ""
    findings: Sequence[Finding] = ()
    since: datetime | None = None
    since_words: str | Promise = ""
    """What `since` is: `Last seen`."""
    is_open: bool = False
    dismissal: str = ""
    """The address that removes it, if users may say that it is as it should be."""

    @property
    def more(self) -> int:
        return self.count - len(self.findings)
