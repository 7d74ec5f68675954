"""What is worth an information event although no object was saved."""

from typing import Final

from django.dispatch import Signal

announced: Final = Signal()
"""Sent with the policy's label of what it is about, and `name` (str), `text` (str), `properties` (dict)."""
