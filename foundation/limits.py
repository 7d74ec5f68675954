"""Sizes, in bytes, that more than one package needs."""

from typing import Final

# The body of a trigger, and of a response.
LARGEST_TRIGGER_BODY: Final = 30 * 1024 * 1024

# The body of a request to the management API, and of a trigger message: JSON may take six bytes for one of the
# trigger's body, which is not all of the message.
LARGEST_MANAGEMENT_BODY: Final = 10 * 1024 * 1024
LARGEST_MESSAGE: Final = 6 * LARGEST_TRIGGER_BODY + 1024 * 1024
