"""What differs between a run and the one that repeats it, in words. The page that compares both says it in detail."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
from django.utils.translation import gettext as _

from endpoint.trigger_message import TriggerAnswer
from fleet import kept_bodies
from fleet.body_masks import ERRORS
from fleet.kept_bodies import KeptResponse
from foundation.value_masks import MASK
from runs.explanations import STATUS_WORDS
from runs.models import Run, RunBodies


@dataclass(frozen=True)
class RunEnd:
    """How a run ended: `200` or `error 12`; and how long it took, as far as is known."""

    result: str
    milliseconds: int | None


def outcome_of_run(run: Run) -> RunEnd:
    result = _error(run.error_code) if run.error_code else str(run.response_code or STATUS_WORDS[run.status])
    return RunEnd(result, run.total_milliseconds)


def outcome_of(answer: TriggerAnswer) -> RunEnd:
    result = _error(answer.error.code) if answer.error else str(answer.answer.code if answer.answer else "")
    return RunEnd(result, round(answer.statistics.total_milliseconds))


def _error(code: int) -> str:
    return _("error %d") % code


def kept_response(run: Run) -> KeptResponse | None:
    """What was kept of the response, to be compared, not to be shown: a look leaves an event (`runs.bodies`)."""
    text = RunBodies.objects.filter(pk=run.pk).values_list("response", flat=True).first()
    return msgspec.json.decode(text, type=KeptResponse) if text else None


def differences(then: Run, kept: KeptResponse | None, now: TriggerAnswer) -> list[str]:
    """What differs; times do not count. Bodies and headers are compared if they were kept as a whole."""
    return list(_differences(then, kept, now))


def _differences(then: Run, kept: KeptResponse | None, now: TriggerAnswer) -> Iterator[str]:
    before, after = outcome_of_run(then).result, outcome_of(now).result
    if before != after:
        yield _("%(before)s became %(after)s") % {"before": before, "after": after}
    if kept is None or now.answer is None:
        return
    answer = now.answer
    # Masked in the same way, so that secrets are not compared.
    again = kept_bodies.keep_response(answer.code, answer.headers, answer.body, answer.is_text)
    if not _agree(kept.headers, again.headers):
        yield _("headers")
    if not _agree(_content(kept), _content(again)):
        yield _("body")


def _content(response: KeptResponse) -> Any:
    """What bodies are compared by: JSON without regard to its layout."""
    if response.body is None:
        return response.binary.decode(errors=ERRORS)
    try:
        return msgspec.json.decode(response.body)
    except (ValueError, RecursionError):
        return response.body


def _agree(kept: Any, again: Any) -> bool:
    """Whether both are the same, as far as can be seen: what is kept has masks for values that only nodes know."""
    return kept == again or _fits(_as_text(kept), _as_text(again))


def _as_text(content: Any) -> str:
    """The text, or that of JSON; none if it is nested too deeply."""
    try:
        return content if isinstance(content, str) else json.dumps(content, ensure_ascii=False, sort_keys=True)
    except RecursionError:
        return ""


def _fits(masked: str, text: str) -> bool:
    """Whether a text becomes the masked one if something is put in place of its masks."""
    # A masked number is a string.
    first, *others = masked.replace(f'"{MASK}"', MASK).split(MASK)
    if not (others and text.startswith(first)):
        return False
    at, last = len(first), others.pop()
    for part in others:
        if (found := text.find(part, at)) < 0:
            return False
        at = found + len(part)
    return text.endswith(last) and at <= len(text) - len(last)
