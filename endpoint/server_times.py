"""How long the parts of a trigger took, as callers see it in the header `Server-Timing`."""

from django.http.response import HttpResponseBase

from fleet.answer import Answer

HEADER = "Server-Timing"


def add_to(response: HttpResponseBase, admission: float | None, total: float, answer: Answer | None) -> None:
    """Add the times, in seconds, to the response, beside those of the script.

    `admission` is None for a trigger that was refused meanwhile, and `answer` for one that no node has answered.
    """
    parts = {"admission": (total if admission is None else admission) * 1_000}
    if answer is not None:
        parts |= {"queue": answer.queue_milliseconds, "run": answer.run_milliseconds}
    parts["total"] = total * 1_000
    own = ", ".join(f"{name};dur={milliseconds:.1f}" for name, milliseconds in parts.items())
    of_script = response.headers.get(HEADER, "").strip()
    response.headers[HEADER] = f"{of_script}, {own}" if of_script else own
