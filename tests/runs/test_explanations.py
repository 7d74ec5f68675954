"""Every run is explained in words."""

import pytest

from endpoint.errors import CATALOGUE
from fleet.answer import Reason
from fleet.records import RunStatus
from hosts import script_messages
from runs.explanations import STATUS_WORDS, explain
from runs.models import Run

# Requests that are refused for these reasons leave no run.
BEFORE_A_RUN = {"EmptyRoute", "InvalidRequestMethod", "DefinitionNotFound", "AuthenticationHeaderInvalid"}
BEFORE_A_RUN |= {"AuthenticationFailed", "InvalidSecret", "TokenNotFound", "TokenDisabled", "TokenNotAllowed"}
SAID_BY_STATUS = {Reason.NEVER_STARTED, Reason.CANCELLED, Reason.CALLER_TIMED_OUT}


@pytest.mark.parametrize("status", RunStatus)
def test_each_status_has_a_word_and_an_explanation(status):
    assert STATUS_WORDS[status]
    assert explain(Run(status=status)).title


@pytest.mark.parametrize("reason", sorted(set(CATALOGUE) - BEFORE_A_RUN - SAID_BY_STATUS))
def test_each_reason_is_explained_better_than_by_its_status(reason):
    run = Run(status=RunStatus.FAILED, reason=reason)
    assert explain(run) is not explain(Run(status=RunStatus.FAILED))
    assert explain(run).next_step


def test_causes_of_error_12_are_told_apart():
    messages = [
        "s (version 1): The time limit of 60 s was reached.",
        "s (version 1): The script had more than 64 MB of memory.",
        "s (version 1): The script had more than 200 processes and threads.",
        f"s (version 1): {script_messages.died(-9).message}",
        "s (version 1): KeyError: 1\nTraceback: The time limit of",
    ]
    runs = [Run(status=RunStatus.FAILED, reason=Reason.ACTION_ERROR, message=message) for message in messages]
    assert len({explain(run).title for run in runs}) == len(messages)
    assert explain(runs[-1]).title == "The script ended with an error."
