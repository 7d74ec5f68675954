"""API tokens as JSON."""

from typing import Any

from django.core.validators import RegexValidator

from foundation.texts import NAME_LENGTH
from objects.serializers import AuthoredSerializer, Flag, MovingMoment, Number, StrictSerializer, Text, Values
from tokens.models import LARGEST_LIMIT, LONGEST_WINDOW_SECONDS, ApiToken
from tokens.secrets import LONGEST, SHORTEST


class RateLimit(StrictSerializer):
    """How many requests a sliding window takes."""

    limit = Number(source="rate_limit", min_value=1, max_value=LARGEST_LIMIT)
    windowSeconds = Number(source="rate_window_seconds", min_value=1, max_value=LONGEST_WINDOW_SECONDS)

    def to_internal_value(self, data: Any) -> Values:
        if not isinstance(data, dict) or data.keys() - self.properties.keys():
            return super().to_internal_value(data)
        # The model refuses 0 with a reason of its own, `InvalidRateLimit`.
        numbers = {str(field.source): data.get(name) for name, field in self.properties.items()}
        return {column: number if type(number) is int else 0 for column, number in numbers.items()}

    def to_representation(self, instance: Any) -> Values | None:  # type: ignore[override]
        return None if instance.rate_limit is None else super().to_representation(instance)


class Secret(Text):
    """A secret is written, or generated for null, and never read."""

    is_column = False

    def __init__(self, **options: Any) -> None:
        limits = {"allow_blank": False, "min_length": SHORTEST, "max_length": LONGEST}
        validators = [RegexValidator(r"^[A-Za-z0-9_\-.=+/]*$")]
        own = {"write_only": True, "required": False, "allow_null": True, "validators": validators}
        super().__init__(**limits | own | options)


class TokenSerializer(AuthoredSerializer):
    """An API token."""

    name = Text(allow_blank=False, max_length=NAME_LENGTH)
    isDisabled = Flag(default=False)
    rateLimit = RateLimit(source="*", allow_null=True, default=None)
    lastUsed = MovingMoment(allow_null=True)
    secret = Secret()

    class Meta:
        model = ApiToken


class NewSecretSerializer(StrictSerializer):
    """The secret that a token is to have; without one it is generated."""

    secret = Secret()


class TokenWithSecretSerializer(TokenSerializer):
    """An API token, and its secret this once."""

    secret = Text(read_only=True)  # type: ignore[assignment]
