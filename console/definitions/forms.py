"""The form of a definition: the *Configure API* window."""

from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from django import forms
from django.utils.translation import gettext_lazy as _

from access.policy import SCRIPT, TOKEN, allows
from automation.models import AutomationScript
from console.definitions import words
from console.forms import CheckedForm
from definitions.models import ActionType, InputType
from tokens.models import ApiToken

if TYPE_CHECKING:
    _Scripts: TypeAlias = forms.ModelChoiceField[AutomationScript]
    _Tokens: TypeAlias = forms.ModelMultipleChoiceField[ApiToken]
else:
    _Scripts, _Tokens = forms.ModelChoiceField, forms.ModelMultipleChoiceField

INPUT = {"class": "ud-input"}
ROUTE = {"class": "ud-input ud-route", "autocomplete": "off", "spellcheck": "false", "autocapitalize": "off"}


class ChosenScript(forms.TextInput):
    """A script that is picked from a list that grows while one searches; here is only what was chosen."""

    template_name = "console/definitions/script_picker.html"

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        """With the name of the script that was chosen."""
        context = super().get_context(name, value, attrs)
        context["chosen"] = _script(value)
        return context


class ChosenTokens(forms.SelectMultiple):
    """Tokens that are picked from a list that grows while one searches; here are only those that were chosen."""

    template_name = "console/definitions/token_picker.html"

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        """With the tokens that were chosen."""
        context = super().get_context(name, [], attrs)
        context["chosen"] = ApiToken.objects.filter(pk__in=_ids(value)).order_by("name", "id")
        return context

    def optgroups(self, *args: Any, **kwargs: Any) -> list[Any]:
        """None: thousands of tokens are not for one page."""
        return []


class ScriptField(_Scripts):
    """A script by its id."""

    def __init__(self) -> None:
        super().__init__(AutomationScript.objects.defer("source"), label=_("Script"), widget=ChosenScript)


class ScriptNameField(_Scripts):
    """A script by its name, for who may not look at the list of them."""

    def __init__(self) -> None:
        super().__init__(
            AutomationScript.objects.defer("source"),
            to_field_name="name",
            label=_("Script"),
            widget=forms.TextInput(INPUT),
            help_text=_("The name of the script."),
        )


class DefinitionForm(CheckedForm):
    """A definition with the tokens that it allows. Nobody chooses from a list that he may not view."""

    needed = ("route",)

    name = forms.CharField(label=_("Name"), required=False, max_length=200, strip=False, widget=forms.TextInput(INPUT))
    description = forms.CharField(
        label=_("Description"), required=False, strip=False, widget=forms.Textarea(INPUT | {"rows": 2})
    )
    script = ScriptField()
    action_type = forms.ChoiceField(
        label=_("Method to be executed"), choices=ActionType.choices, initial=ActionType.AUTOMATION_SCRIPT
    )
    input_type = forms.ChoiceField(
        label=_("Input"), choices=InputType.choices, initial=InputType.RAW_BODY, required=False
    )
    allowed_tokens = _Tokens(ApiToken.objects.all(), label=_("Allowed tokens"), required=False, widget=ChosenTokens)

    class Meta:
        widgets: ClassVar = {"route": forms.TextInput(ROUTE)}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not allows(self.user, TOKEN, "view"):
            self.fields.pop("allowed_tokens", None)
        if "script" in self.fields and not allows(self.user, SCRIPT, "view"):
            self.fields["script"] = ScriptNameField()
            self.initial["script"] = self.instance.script

    def clean(self) -> dict[str, Any]:
        """A script without entry point for APIs has no input type to choose."""
        cleaned = super().clean()
        if cleaned.get("action_type") == ActionType.NO_ENTRY_POINT:
            cleaned["input_type"] = self.instance.input_type = ""
        elif not cleaned.get("input_type"):
            cleaned["input_type"] = self.instance.input_type = InputType.RAW_BODY
        return cleaned

    def methods(self) -> list[tuple[str, str, Any, bool]]:
        """The methods as value, name, explanation and whether it is the chosen one."""
        chosen = self["action_type"].value()
        return [(str(value), name, text, value == chosen) for value, (name, text) in words.METHODS.items()]

    def inputs(self) -> list[tuple[str, Any, Any, bool]]:
        """The input types as value, name, explanation and whether it is the chosen one."""
        chosen = self["input_type"].value() or InputType.RAW_BODY
        return [(str(value), name, text, value == chosen) for value, (name, text) in words.INPUTS.items()]


def _script(value: Any) -> AutomationScript | None:
    ids = _ids([value])
    return AutomationScript.objects.filter(pk=ids[0]).first() if ids else None


def _ids(values: Any) -> list[Any]:
    """Those of `values` that can be an id; what a user has sent may be anything."""
    field: Any = ApiToken._meta.pk
    found = []
    for value in values or []:
        try:
            found.append(field.to_python(getattr(value, "pk", value)))
        except forms.ValidationError:
            continue
    return [value for value in found if value is not None]
