"""What an API does, in words."""

from django.utils.translation import gettext_lazy as _

from automation.source import ON_API_TRIGGER, RUN
from definitions.models import ActionType, ApiDefinition, InputType

METHODS = {
    ActionType.AUTOMATION_SCRIPT: (
        ON_API_TRIGGER,
        _("The script gets the request and makes the answer: status, headers and body."),
    ),
    ActionType.NO_ENTRY_POINT: (
        RUN,
        _("An existing script runs with its parameters from the body; the answer is 200 without a body."),
    ),
}
INPUTS = {
    InputType.RAW_BODY: (_("Raw body"), _("The script gets the body as the text that was sent.")),
    InputType.PARAMETERS: (
        _("Parameters"),
        _("The body is a JSON object; its values become the script's parameters."),
    ),
}


def method(definition: ApiDefinition) -> str:
    """The function of the script that is called; the stored value where there is no such action type."""
    known = METHODS.get(definition.action_type)  # type: ignore[call-overload]
    return known[0] if known else definition.action_type


def input_type(definition: ApiDefinition) -> str:
    """How the script gets the body."""
    if definition.action_type == ActionType.NO_ENTRY_POINT:
        return str(_("Parameters"))
    known = INPUTS.get(definition.input_type)  # type: ignore[call-overload]
    return str(known[0]) if known else definition.input_type
