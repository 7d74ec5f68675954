"""Signals for what deserves an information event and has no signal of Django's."""

from typing import Final

from django.dispatch import Signal

# Sent by the model of objects that one statement has added, without a `post_save` each: `instances`, `using`.
added_together: Final = Signal()

# Sent by the policy's label of the subject: `name` (str), `text` (str), `properties` (dict).
announced: Final = Signal()
