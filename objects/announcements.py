"""What happens without a signal of Django's, and is worth an information event nevertheless."""

from typing import Final

from django.dispatch import Signal

added_together: Final = Signal()
"""Sent with the model of objects that were added in one statement, without a `post_save` each: `instances`, `using`."""

announced: Final = Signal()
"""Sent with the policy's label of what it is about, and `name` (str), `text` (str), `properties` (dict)."""
