"""The form behind a question about a script."""

from typing import ClassVar

from automation.models import AutomationScript
from console.forms import CheckedForm


class SeenForm(CheckedForm):
    """A confirmation for the revision of a script that the user has seen."""

    class Meta:
        model = AutomationScript
        fields: ClassVar[list[str]] = []

    def _post_clean(self) -> None:
        """Leave the rules of the script to the save."""
