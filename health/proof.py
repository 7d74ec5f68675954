"""How an installation recognises its own `/healthz`.

The question is signed, and only the same installation can make it. So a stranger cannot learn whether two addresses
lead to one installation. Only a server that was itself asked could pass the question on, as any proxy does.
"""

import secrets
from typing import Final

from django.core.signing import BadSignature, Signer, TimestampSigner

from broker.installation import installation_id

QUESTION_HEADER: Final = "X-Udapi-Probe"
PROOF_HEADER: Final = "X-Udapi-Proof"
# Clocks of machines may differ by as much.
_QUESTION_SECONDS: Final = 300
_LONGEST: Final = 200


def new_question() -> str:
    """A question that only this installation answers, for five minutes."""
    return _questions().sign(secrets.token_urlsafe(16))


def proof(question: str) -> str:
    """The answer to a question of this installation; empty for every other text."""
    if len(question) > _LONGEST:
        return ""
    try:
        _questions().unsign(question, max_age=_QUESTION_SECONDS)
    except BadSignature:
        return ""
    return Signer(salt="udapi.health.proof").signature(f"{installation_id()} {question}")


def _questions() -> TimestampSigner:
    return TimestampSigner(salt="udapi.health.question")
