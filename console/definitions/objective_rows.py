"""The objectives of an API on its readable page: each with a meter and a sentence that says the same."""

from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from access.policy import RUN, AnyUser, allows
from console import cells
from definitions.models import ApiDefinition
from runs.statistics import objectives
from runs.statistics.objectives import ObjectiveState

_ALMOST_ALL = 0.75


def success_row(user: AnyUser, definition: ApiDefinition) -> SafeString | str:
    """The success rate to achieve; for users who may view runs, also how much of the failures is used up."""
    target = definition.objective_success_rate
    if target is None:
        return cells.muted(_("none"))
    shown = _("%(rate)g %% of the calls") % {"rate": target}
    if not allows(user, RUN, "view"):
        return shown
    state = objectives.used(definition, timezone.now())
    return _with_meter(shown, state.failures_used, _failures_in_words(state, target))


def p95_row(user: AnyUser, definition: ApiDefinition) -> SafeString | str:
    """How fast 95 % of the answers are to be; for users who may view runs, also how fast they are."""
    target = definition.objective_p95_milliseconds
    if target is None:
        return cells.muted(_("none"))
    shown = _("%(number)d ms") % {"number": target}
    if not allows(user, RUN, "view"):
        return shown
    state = objectives.used(definition, timezone.now())
    return _with_meter(shown, state.slow_used, _slowness_in_words(state))


def _with_meter(target: str, used: float | None, words: str) -> SafeString:
    said = format_html('<span class="ud-second">{}</span>', words)
    if used is None:
        return format_html("{}{}", target, said)
    value, label = f"{min(used, 1.0):.3f}", _("Used up")
    meter = '<meter min="0" max="1" low="{}" high="0.999" optimum="0" value="{}" aria-label="{}">{}</meter>'
    return format_html("{} {}{}", target, format_html(meter, _ALMOST_ALL, value, label, _percent(used)), said)


def _failures_in_words(state: ObjectiveState, target: float) -> str:
    used = state.failures_used
    if used is None:
        return _("No calls in the last 30 days.")
    values = {"used": _percent(used), "target": target, "rate": state.success_rate or 0.0}
    if used > 1:
        return _("All the failures that %(target)g %% allows in 30 days are used up: %(rate).5g %% succeeded.") % values
    said = _("%(used)s of the failures that %(target)g %% allows in 30 days are used up") % values
    if state.days_left is None:
        return _("%(said)s; none in the last day.") % {"said": said}
    days = int(state.days_left)
    lasts = ngettext("the rest lasts %(days)d day", "the rest lasts %(days)d days", days) % {"days": days}
    return _("%(said)s; at the pace of the last day, %(lasts)s.") % {"said": said, "lasts": lasts}


def _slowness_in_words(state: ObjectiveState) -> str:
    if state.slow_used is None or state.p95 is None:
        return _("No calls in the last 30 days.")
    values = {"p95": state.p95, "used": _percent(state.slow_used)}
    return (
        _("95 %% were answered within %(p95).0f ms in 30 days; %(used)s of the answers that may be slower are used up.")
        % values
    )


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.0f} %"
