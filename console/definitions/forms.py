"""The form of a definition: the *Publish as API* page."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from access.policy import SCRIPT, TOKEN, allows
from automation.models import AutomationScript
from console.definitions.accepted_types import AcceptedTypesField
from console.forms import INPUT, CheckedForm
from definitions.models import MOST_CONCURRENT, ActionType, InputType
from definitions.objectives import HIGHEST_RATE, LONGEST_P95, LOWEST_RATE
from foundation.ids import parse_uuid
from tokens.models import ApiToken

_ACTIONS = {
    ActionType.AUTOMATION_SCRIPT: _("The script gets the request and returns the response: status, headers and body."),
    ActionType.NO_ENTRY_POINT: _("Runs with parameters from the JSON body; answers 200 without a body."),
}
_INPUTS = {
    InputType.RAW_BODY: _("The script gets the body as it was sent."),
    InputType.PARAMETERS: _(
        "The body is a JSON object, whatever its content type; its values become the script's parameters."
    ),
}
VERSION = INPUT | {"min": 1, "autocomplete": "off"}
ROUTE = {"class": "ud-input ud-route", "autocomplete": "off", "spellcheck": "false", "autocapitalize": "off"}


class ChosenScript(forms.TextInput):
    """The chosen script; the browser asks for the list to choose from."""

    template_name = "console/definitions/script_picker.html"

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        return super().get_context(name, value, attrs) | {"chosen": _chosen(AutomationScript, [value]).first()}


class ChosenVersion(forms.NumberInput):
    """The number of a version; the browser replaces it by the list of the chosen script's versions."""

    template_name = "console/definitions/version_picker.html"


class ChosenTokens(forms.SelectMultiple):
    """The chosen tokens; the browser asks for the list to choose from, which may have thousands."""

    template_name = "console/definitions/token_picker.html"

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        chosen = _chosen(ApiToken, value or ()).order_by("name", "id")
        return super().get_context(name, [], attrs) | {"chosen": chosen}

    def optgroups(self, *args: Any, **kwargs: Any) -> list[Any]:
        return []


class ScriptField(forms.ModelChoiceField):  # type: ignore[type-arg]  # takes no argument at run time
    """A script by its id."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("widget", ChosenScript)
        super().__init__(AutomationScript.objects.defer("source"), label=_("Script"), **options)


class DefinitionForm(CheckedForm):
    """A definition with the tokens that it allows. Users choose only from lists that they may view."""

    needed = ("route",)
    placed = frozenset(
        {
            "route",
            "name",
            "description",
            "is_disabled",
            "script",
            "script_version",
            "action_type",
            "input_type",
            "content_types",
            "keep_bodies",
            "max_concurrent",
            "objective_success_rate",
            "objective_p95_milliseconds",
            "server_timing",
            "allowed_tokens",
        }
    )

    script = ScriptField()
    content_types = AcceptedTypesField()
    allowed_tokens = forms.ModelMultipleChoiceField(
        ApiToken.objects.all(), label=_("Allowed tokens"), required=False, widget=ChosenTokens
    )

    class Meta:
        widgets: ClassVar = {
            "route": forms.TextInput(ROUTE),
            "is_disabled": forms.CheckboxInput(),
            "script_version": ChosenVersion(VERSION),
            "keep_bodies": forms.Select(INPUT),
            "max_concurrent": forms.NumberInput(INPUT | {"min": 1, "max": MOST_CONCURRENT}),
            "objective_success_rate": forms.NumberInput(
                INPUT | {"min": LOWEST_RATE, "max": HIGHEST_RATE, "step": "0.001"}
            ),
            "objective_p95_milliseconds": forms.NumberInput(INPUT | {"min": 1, "max": LONGEST_P95}),
            "server_timing": forms.CheckboxInput(),
        }
        labels: ClassVar = {"action_type": _("Entry point"), "input_type": _("Input")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("name", "description"):
            self.fields[name].strip = False  # type: ignore[attr-defined]  # both are texts
        if "keep_bodies" in self.fields:
            # A form that was opened before the upgrade has no such field.
            self.fields["keep_bodies"].required = False
        if not allows(self.user, TOKEN, "view"):
            self.fields.pop("allowed_tokens", None)
        if "script" in self.fields and not allows(self.user, SCRIPT, "view"):
            by_name = {"to_field_name": "name", "help_text": _("The name of the script.")}
            self.fields["script"] = ScriptField(widget=forms.TextInput(INPUT), **by_name)
            self.initial["script"] = self.instance.script
            if "script_version" in self.fields:
                self.fields["script_version"].widget = forms.NumberInput(VERSION)

    def clean(self) -> dict[str, Any]:
        """Without the entry point for APIs there is no input type to choose, and another script unpins."""
        cleaned = super().clean()
        if "script" in self.changed_data and not self._is_pinned_anew(cleaned):
            cleaned["script_version"] = self.instance.script_version = None
        if cleaned.get("action_type") == ActionType.NO_ENTRY_POINT:
            cleaned["input_type"] = self.instance.input_type = ""
        elif not cleaned.get("input_type"):
            cleaned["input_type"] = self.instance.input_type = InputType.RAW_BODY
        return cleaned

    def _is_pinned_anew(self, cleaned: Mapping[str, Any]) -> bool:
        """Whether the user has chosen the version for this script, and not for the one before."""
        script = cleaned.get("script")
        # The list of versions says whose they are. Without it, a number that stays as it was is the old script's.
        chosen_for = self.data.get("version_of", "")
        return chosen_for == str(script and script.pk) if chosen_for else "script_version" in self.changed_data

    def actions(self) -> list[tuple[str, Any, Any, bool]]:
        """The action types as value, entry point, explanation and whether it is chosen."""
        return _choices(ActionType, _ACTIONS, self["action_type"].value())

    def inputs(self) -> list[tuple[str, Any, Any, bool]]:
        """The input types as value, name, explanation and whether it is chosen."""
        return _choices(InputType, _INPUTS, self["input_type"].value() or InputType.RAW_BODY)


def _choices(choices: Any, texts: Any, chosen: Any) -> list[tuple[str, Any, Any, bool]]:
    return [(str(one), one.label, texts[one], one == chosen) for one in choices]


def _chosen(model: Any, values: Any) -> Any:
    """The objects among `values`, which may be objects, ids, or any text that a browser has sent."""
    ids = [parse_uuid(str(getattr(value, "pk", value))) for value in values]
    return model.objects.filter(pk__in=[each for each in ids if each])
