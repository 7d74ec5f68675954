"""What lists of scripts and of credentials can be filtered by, ordered by and searched in."""

from typing import Final

from django.db.models import Exists, OuterRef, Q

from automation.credentials import CredentialGrant
from automation.serializers import CredentialSerializer, ScriptSerializer
from automation.versions import LibraryUse
from objects.filters import Filters
from objects.serializers import Text


def _uses(library: str) -> Q:
    """The scripts whose current version was saved with the library of this name."""
    of_current = LibraryUse.objects.filter(version__script=OuterRef("pk"), version__number=OuterRef("current_version"))
    return Q(Exists(of_current.filter(name=library)))


SCRIPT_FILTERS: Final = Filters(
    ScriptSerializer,
    exact=("name", "kind"),
    columns={"library": (_uses, Text(help_text="Scripts whose current version uses the library of this name."))},
    searched=("name", "description"),
    default="name",
)


def _is_granted_to(script: str) -> Q:
    """The credentials that the script of this name can read."""
    return Q(Exists(CredentialGrant.objects.filter(credential=OuterRef("pk"), script__name=script)))


CREDENTIAL_FILTERS: Final = Filters(
    CredentialSerializer,
    exact=("name",),
    columns={"allowedScript": (_is_granted_to, Text(help_text="Credentials that the script of this name can read."))},
    searched=("name", "description"),
    default="name",
)
