"""What has become of a run, in words: what happened, what it means, and what to do.

The console, `manage.py runs` and the documentation say the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from fleet.records import RunStatus
from runs.models import Run

Words = Promise | str


@dataclass(frozen=True)
class Explanation:
    """Three sentences about a run; `next_step` is empty where there is nothing to do."""

    title: Words
    meaning: Words
    next_step: Words = ""


STATUS_WORDS: Final[Mapping[str, Words]] = {
    RunStatus.QUEUED: _("Waiting"),
    RunStatus.RUNNING: _("Running"),
    RunStatus.SUCCEEDED: _("Succeeded"),
    RunStatus.FAILED: _("Failed"),
    RunStatus.REFUSED: _("Refused"),
    RunStatus.CANCELLED: _("Cancelled"),
    RunStatus.NEVER_STARTED: _("Never started"),
    RunStatus.UNANSWERED: _("Unanswered"),
}

_SAFE: Final = _("The script did not run, so the request can be sent again.")
_MAY_HAVE_RUN: Final = _("The script may have run to its end, in part, or not at all.")
_HAS_RUN: Final = _("The script has run to its end; whatever it changed remains changed.")
_IN_PART: Final = _("The script has run in part; whatever it had changed by then remains changed.")

_STATUSES: Final[Mapping[str, Explanation]] = {
    RunStatus.QUEUED: Explanation(
        _("The run waits for a free slot."),
        _("Every slot of the worker nodes is busy. Runs start in the order of their requests."),
        _("If runs often wait, look for slow scripts, or add a worker node."),
    ),
    RunStatus.RUNNING: Explanation(_("The script is running."), _("The log below grows while it runs.")),
    RunStatus.SUCCEEDED: Explanation(_("The script answered."), _("The caller received the response of the script.")),
    RunStatus.FAILED: Explanation(
        _("The script answered with a server error."),
        _("The script ran to its end and chose a code of 500 or more by itself."),
        _("Read the log, and look in the source for where it answers with this code."),
    ),
    RunStatus.REFUSED: Explanation(
        _("The request was refused."), _SAFE, _("Read the message; it says what the request lacks.")
    ),
    RunStatus.CANCELLED: Explanation(
        _("Somebody cancelled the run."), _("The script was killed, or never started."), _("The message says who.")
    ),
    RunStatus.NEVER_STARTED: Explanation(
        _("The run was not started in time."), _SAFE, _("Look at the nodes: are enough of them alive, and how busy?")
    ),
    RunStatus.UNANSWERED: Explanation(
        _("The caller received no answer in time."),
        _MAY_HAVE_RUN,
        _("Find out what the script has changed before the request is sent again."),
    ),
}

_REASONS: Final[Mapping[str, Explanation]] = {
    "ManagerNotInitialized": Explanation(
        _("No worker node could take the run."),
        _SAFE,
        _("The message says why. Look at the nodes: are enough of them alive, and how busy?"),
    ),
    "UnexpectedException": Explanation(
        _("An unexpected error occurred."),
        _MAY_HAVE_RUN,
        _("Read the traceback in the log file of the node. Report it unless the database was away at that time."),
    ),
    "InvalidActionMeta": Explanation(
        _("The stored definition is not valid."), _SAFE, _("Open the definition and save it again.")
    ),
    "InvalidActionType": Explanation(
        _("The stored definition has an unknown entry point."),
        _SAFE,
        _("Update this installation if a newer release has written the definition; otherwise save it again."),
    ),
    "BodyToParametersConversionFailed": Explanation(
        _("The body is not a JSON object of parameter values."),
        _SAFE,
        _("Correct the body in the client; the message names the rule that it breaks."),
    ),
    "AutomationActionError": Explanation(
        _("The script ended with an error."),
        _IN_PART,
        _("Follow the last line of the traceback to the source, and read the log up to it."),
    ),
    "InvalidAutomationActionResult": Explanation(
        _("The script returned no valid output."),
        _HAS_RUN,
        _("Let on_api_trigger return an ApiTriggerOutput on every path."),
    ),
    "GetScriptInfoFailed": Explanation(
        _("The script is missing, or lacks the entry point."),
        _SAFE,
        _("Open the definition: choose another script or version, or add the entry point. Events say who changed it."),
    ),
    "MissingScriptParameters": Explanation(
        _("The body lacks parameters of the script."), _SAFE, _("Send a value for each parameter that is named.")
    ),
    "ResponseBodyTooLarge": Explanation(
        _("The response of the script is larger than 30 MB."), _HAS_RUN, _("Let the script answer in smaller parts.")
    ),
    "UnknownStatusCode": Explanation(
        _("The script answered with an invalid status code."), _HAS_RUN, _("Answer with a code from 200 to 599.")
    ),
    "ResponseHeadersNotAllowed": Explanation(
        _("The script set a header that is not allowed."), _HAS_RUN, _("Remove the header that the message names.")
    ),
    "ResponseHeadersInvalid": Explanation(
        _("The script set an invalid header."), _HAS_RUN, _("Correct the header that the message names.")
    ),
    "UnspecifiedErrorReason": Explanation(
        _("The answer of the node could not be read."),
        _MAY_HAVE_RUN,
        _("Check that web servers and worker nodes run the same release."),
    ),
    "UnknownErrorReason": Explanation(
        _("The node gave a reason that this release does not know."),
        _MAY_HAVE_RUN,
        _("Check that web servers and worker nodes run the same release."),
    ),
    "MessageBrokerNotInitialized": Explanation(
        _("Redis was not reachable."), _SAFE, _("Check Redis and its address in REDIS_URL.")
    ),
    "InvalidContentType": Explanation(
        _("The content type is not supported."), _SAFE, _("Correct Content-Type and Content-Encoding in the client.")
    ),
    "FailedToReadBody": Explanation(
        _("The body could not be read."),
        _SAFE,
        _("The body ended early, came too slowly or is not UTF-8: look at the client, or a proxy in between."),
    ),
    "BodyTooLarge": Explanation(
        _("The body is larger than 30 MB."), _SAFE, _("Send less at once, or a link to the data.")
    ),
    "QueryStringTooLarge": Explanation(
        _("The query string is longer than 2,048 bytes."), _SAFE, _("Move parameters into the body.")
    ),
    "RateLimitExceeded": Explanation(
        _("The rate limit of the token was reached."), _SAFE, _("Let the client wait, or raise the limit of the token.")
    ),
    "ApiBusy": Explanation(
        _("The API had as many runs at once as its definition allows."),
        _SAFE,
        _("Let the client wait, or raise the limit of the definition."),
    ),
    "ApiDisabled": Explanation(
        _("The API is disabled."), _SAFE, _("Enable the definition, or tell the client. Events say who disabled it.")
    ),
}

# Error 12 has several causes, which the message tells apart.
_SCRIPT_ERRORS: Final[Sequence[tuple[str, Explanation]]] = (
    (
        "The time limit of",
        Explanation(
            _("The script ran longer than its time-out."),
            _IN_PART,
            _("Read the times in the log to see what takes long. Raise the time-out if the script needs that long."),
        ),
    ),
    (
        "MB of memory.",
        Explanation(
            _("The script needed more memory than it may have."),
            _IN_PART,
            _("Let it keep less in memory at once, or raise its memory limit."),
        ),
    ),
    (
        "The job does not fit into the script's memory limit.",
        Explanation(_("The request does not fit into the memory of the script."), _SAFE, _("Raise its memory limit.")),
    ),
    (
        "processes and threads.",
        Explanation(
            _("The script started too many processes and threads."), _IN_PART, _("Let it start fewer at the same time.")
        ),
    ),
    (
        "The script's process ended with",
        Explanation(
            _("The process of the script ended by itself."),
            _IN_PART,
            _("Look for os._exit, a crash in a compiled module, or a kill by the system for lack of memory."),
        ),
    ),
    (
        "The script that waited for this one has ended.",
        Explanation(
            _("The run that waited for this one has ended."), _IN_PART, _("Open the run that began it to see why.")
        ),
    ),
)


def explain(run: Run) -> Explanation:
    """What has become of the run; the reason says more than the status."""
    if run.reason == "AutomationActionError":
        for words, explanation in _SCRIPT_ERRORS:
            if words in run.message.partition("\n")[0]:
                return explanation
    return _REASONS.get(run.reason) or _STATUSES[run.status]
