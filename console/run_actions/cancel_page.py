"""*Cancel*: a question, and the end of a run."""

from uuid import UUID

import redis
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from console.run_actions.viewed import may_go_on, viewed_run
from fleet.records import RunStatus
from runs import cancellation


@require_http_methods(["GET", "HEAD", "POST"])
def cancel_page(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """Ask; with POST, cancel the run, say what came of it, and go back."""
    run = viewed_run(request, run_id, "cancel")
    back = request.GET.get("next", "")
    if not url_has_allowed_host_and_scheme(back, allowed_hosts=None) or not back.startswith("/"):
        back = reverse("admin:run", args=[run_id])
    if request.method == "POST":
        _cancel(request, run_id)
        return HttpResponseRedirect(back)
    context = {
        "title": _("Cancel a run"),
        "run": run,
        "back": back,
        "may_go_on": may_go_on(run),
        "is_waiting": run.status == RunStatus.QUEUED,
    }
    return TemplateResponse(request, "console/runs/cancel.html", admin.site.each_context(request) | context)


def _cancel(request: HttpRequest, run_id: UUID) -> None:
    """Cancel the run, and leave a message that says what came of it."""
    try:
        cancellation.cancel(run_id, request.user.get_username())
    except (cancellation.RunOverError, cancellation.NoSuchRunError):
        messages.warning(request, _("The run had ended already. Nothing was cancelled."))
    except (cancellation.NoAnswerError, redis.RedisError):
        messages.error(request, _("The node of the run does not answer. The run may go on; try again."))
    else:
        messages.success(request, _("The run was cancelled."))
