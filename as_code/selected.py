"""Exporting chosen API definitions with what they need: scripts, libraries and tokens, but no credentials."""

import io
import logging
import zipfile
from collections.abc import Collection, Mapping
from typing import Final
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from as_code.exporter import ExportError, files_of
from as_code.kinds import DEFINITIONS, SCRIPTS, TOKENS
from as_code.permissions import Actor
from as_code.stored import Stored
from foundation.ids import parse_uuid
from foundation.logs import AUDIT_LOGGER

KINDS: Final = (SCRIPTS, TOKENS, DEFINITIONS)
FILE_NAME: Final = "apis.zip"

_log = logging.getLogger(AUDIT_LOGGER)


def selected_files(actor: Actor, definition_ids: Collection[UUID]) -> dict[str, str]:
    """The files of an export of these definitions, by path.

    Raises:
        PermissionDenied: the actor may not read everything that the files name.
        ExportError: something stored is broken.
    """
    if refusal := next(filter(None, (actor.refusal(kind, "view", f"read {kind.section}") for kind in KINDS)), None):
        raise PermissionDenied(refusal)
    with transaction.atomic():
        stored = Stored()
        stored.keep_only(set(definition_ids))
        found = files_of(stored, KINDS)
    _log.info("'%s' exported %d definitions", actor.name, len(stored.objects[DEFINITIONS]))
    return found


@require_POST
def export_selected(request: HttpRequest) -> HttpResponse:
    """An archive of the definitions whose ids the console has sent."""
    ids = {key for text in request.POST.get("ids", "").split(",") if (key := parse_uuid(text))}
    try:
        found = selected_files(Actor(request.user), ids)  # type: ignore[arg-type]  # the site lets in users alone
    except ExportError as error:
        messages.error(request, str(error))
        return HttpResponseRedirect(reverse("admin:definitions_apidefinition_changelist"))
    headers = {"Content-Disposition": f'attachment; filename="{FILE_NAME}"', "Cache-Control": "no-store"}
    return HttpResponse(_archive(found), content_type="application/zip", headers=headers)


def _archive(found: Mapping[str, str]) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in found.items():
            archive.writestr(name, text)
    return written.getvalue()
