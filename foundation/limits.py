"""Sizes that more than one package must know."""

from typing import Final

LARGEST_TRIGGER_BODY: Final = 30 * 1024 * 1024
"""The most bytes in the body of a trigger, and of a response."""

LARGEST_MANAGEMENT_BODY: Final = 10 * 1024 * 1024
"""The most bytes in the body of a request to the management API."""

# JSON may take six bytes for one, and the body is not all of a message.
LARGEST_MESSAGE: Final = 6 * LARGEST_TRIGGER_BODY + 1024 * 1024
"""The most bytes in a trigger message."""
