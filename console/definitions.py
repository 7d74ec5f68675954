"""The pages of API definitions."""

from collections.abc import Sequence
from typing import Any, ClassVar, TypeVar

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AutocompleteSelect, AutocompleteSelectMultiple
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminTextInputWidget

from access.policy import allows
from automation.models import AutomationScript
from console.base import AUTHORSHIP, CheckedAdmin
from console.forms import CheckedForm
from definitions import routes
from definitions.changes import save_definition
from definitions.models import ActionType, ApiDefinition, InputType
from search.models import DEFINITIONS
from tokens.models import ApiToken

Widget = TypeVar("Widget", AutocompleteSelect, AutocompleteSelectMultiple)


def _widget(kind: type[Widget], field: str) -> Widget:
    return kind(ApiDefinition._meta.get_field(field), admin.site)


class DefinitionForm(CheckedForm):
    """A definition with the tokens that it allows. Nobody chooses from a list that he may not view."""

    needed = ("route",)
    script = forms.ModelChoiceField(AutomationScript.objects.only("name"), widget=_widget(AutocompleteSelect, "script"))
    allowed_tokens = forms.ModelMultipleChoiceField(
        ApiToken.objects.all(),
        required=False,
        widget=_widget(AutocompleteSelectMultiple, "allowed_tokens"),
        help_text="Without one, nobody can call the API.",
    )

    class Meta:
        help_texts: ClassVar = {"route": f"The part of the address behind /{routes.PREFIX}, such as encoders/{{id}}."}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not allows(self.user, "tokens.apitoken", "view"):
            del self.fields["allowed_tokens"]
        if not allows(self.user, "automation.automationscript", "view"):
            self._ask_for_name()

    def clean(self) -> dict[str, Any]:
        """A script without entry point for APIs has no input type to choose."""
        cleaned = super().clean()
        if cleaned.get("action_type") == ActionType.NO_ENTRY_POINT:
            cleaned["input_type"] = self.instance.input_type = ""
        return cleaned

    def _ask_for_name(self) -> None:
        self.fields["script"] = forms.ModelChoiceField(
            AutomationScript.objects.only("name"),
            to_field_name="name",
            widget=UnfoldAdminTextInputWidget,
            help_text="The name of the script.",
        )
        self.initial["script"] = self.instance.script


class DefinitionAdmin(CheckedAdmin):
    """API definitions: which script answers under which route, and who may call it."""

    form = DefinitionForm
    content: ClassVar = (
        "name",
        "description",
        "route",
        "action_type",
        "script",
        "input_type",
        "allowed_tokens",
    )
    readonly_fields: ClassVar = (*AUTHORSHIP, "allowed_token_ids")
    # Who may only view has no field whose value could be asked for.
    conditional_fields: ClassVar = {
        "input_type": f"typeof action_type == 'undefined' || action_type == '{ActionType.AUTOMATION_SCRIPT}'"
    }
    list_display = (
        "route",
        "name",
        "action",
        "script",
        "created_by",
        "created_at",
        "last_modified_by",
        "last_modified",
    )
    list_select_related = ("script",)
    list_filter = ("action_type",)
    mirrored = DEFINITIONS
    search_fields = ("route", "name", "description", "=id", "script__name")
    ordering = ("route",)

    def get_content(self, request: HttpRequest, obj: Any) -> Sequence[str]:
        """Who may not view tokens sees their ids, as the definition has them, and cannot change them."""
        if allows(request.user, "tokens.apitoken", "view"):
            return self.content
        return [*self.content[:-1], *(["allowed_token_ids"] if obj else [])]

    def formfield_for_choice_field(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """No input type is no choice: where there is none, the form knows."""
        if db_field.name == "input_type":
            kwargs["choices"] = InputType.choices
        return super().formfield_for_choice_field(db_field, request, **kwargs)

    @admin.display(description="action type", ordering="action_type")
    def action(self, obj: ApiDefinition) -> str:
        """The action type by its short name."""
        return obj.action_type

    @admin.display(description="allowed tokens")
    def allowed_token_ids(self, obj: ApiDefinition) -> str:
        """The ids of the tokens that it allows."""
        return ", ".join(map(str, obj.allowed_tokens.values_list("pk", flat=True)))

    def store(self, obj: ApiDefinition, form: Any, by: str) -> None:
        """Save the definition together with its tokens, where the form has them."""
        save_definition(obj, by, form.cleaned_data.get("allowed_tokens"))
