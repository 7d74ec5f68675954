"""`trigger/`: the trigger message over HTTP."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from access.policy import MESSAGE
from endpoint.errors import CATALOGUE
from endpoint.trigger_message import TriggerMessage, trigger
from foundation.limits import LARGEST_MESSAGE
from management.fields import Text, WrongTypeError, read
from management.views import ManagementView
from management.wire import JsonParser


class MessageParser(JsonParser):
    """A message is as large as its body needs."""

    largest = LARGEST_MESSAGE


class Unicode(Text):
    """A string of any characters there are; null is the empty one."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"required": False, "allow_null": True} | kwargs)

    def read(self, value: object) -> str:
        """The string.

        Raises:
            WrongTypeError: it is none, or has half a character in it.
        """
        text = "" if value is None else super().read(value)
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise WrongTypeError("a string without lone surrogates") from error
        return text


class Lists(serializers.DictField):
    """Name to values; null is none."""

    def __init__(self, **kwargs: Any) -> None:
        child = serializers.ListField(child=serializers.CharField(allow_blank=True))
        super().__init__(**{"child": child} | kwargs)

    def read(self, value: object) -> dict[str, list[str]]:
        """The values by name.

        Raises:
            WrongTypeError: it is something else.
        """
        if value is None:
            return {}
        if not isinstance(value, dict) or not all(isinstance(values, list) for values in value.values()):
            raise WrongTypeError("an object of lists: name to values")
        text = Unicode()
        return {text.read(name): [text.read(_given(one)) for one in values] for name, values in value.items()}


def _given(value: object) -> object:
    """The value of a parameter, which null is not.

    Raises:
        WrongTypeError: it is null.
    """
    if value is None:
        raise WrongTypeError("an object of lists: name to strings")
    return value


class MessageSerializer(serializers.Serializer[Any]):
    """TriggerUserDefinableApiRequestMessage. What is absent is empty, and refused where it is needed."""

    requestMethod = Unicode(help_text="Get, Put, Post, Delete or Patch, in any case.")
    route = Unicode(help_text="As in the URL, behind /api/custom/.")
    secret = Unicode(help_text="Of the API token.", write_only=True)
    rawBody = Unicode()
    queryParameters = Lists(required=False, allow_null=True)


class ErrorDataSerializer(serializers.Serializer[Any]):
    """UserDefinableApiTriggerErrorData."""

    reason = serializers.ChoiceField(sorted(CATALOGUE))
    message = serializers.CharField(help_text="For the maintainer, tracebacks included.")
    parameters = serializers.ListField(child=serializers.CharField(), help_text="What is missing.")


class TraceDataSerializer(serializers.Serializer[Any]):
    """What went wrong."""

    errorData = ErrorDataSerializer(many=True)


class ActionResultSerializer(serializers.Serializer[Any]):
    """AutomationScriptActionResult."""

    responseCode = serializers.IntegerField()
    responseBody = serializers.CharField(allow_blank=True)
    responseBodyBytes = serializers.CharField(allow_null=True, help_text="In base64; null where the body is text.")
    responseHeaders = Lists()


class StatisticsSerializer(serializers.Serializer[Any]):
    """What the trigger took; null where no worker node has answered."""

    queueMilliseconds = serializers.FloatField(allow_null=True)
    runMilliseconds = serializers.FloatField(allow_null=True)
    totalMilliseconds = serializers.FloatField()
    requestBytes = serializers.IntegerField()
    responseBytes = serializers.IntegerField()
    node = serializers.IntegerField(allow_null=True)
    triggerId = serializers.UUIDField()


class AnswerSerializer(serializers.Serializer[Any]):
    """TriggerUserDefinableApiResponseMessage."""

    traceData = TraceDataSerializer()
    actionResult = ActionResultSerializer(allow_null=True)
    statistics = StatisticsSerializer()


class TriggerMessageView(ManagementView):
    """Triggers an API past its rate limit, and says exactly what went wrong."""

    needs = (MESSAGE, "send")
    parser_classes = (MessageParser,)

    @extend_schema(request=MessageSerializer, responses=AnswerSerializer)
    def post(self, request: Request) -> Response:
        """200 with what became of the trigger, whatever that is.

        Raises:
            ValidationError: `InvalidField`, something in the message is unknown or of the wrong type.
        """
        values = read(MessageSerializer(), request.data, {})
        message = TriggerMessage(
            request_method=values.get("requestMethod", ""),
            route=values.get("route", ""),
            secret=values.get("secret", ""),
            raw_body=values.get("rawBody", ""),
            query_parameters=values.get("queryParameters", {}),
        )
        return Response(trigger(message, request.META.get("gunicorn.socket")).as_json())
