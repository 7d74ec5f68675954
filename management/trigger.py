"""`trigger/`: the trigger message over HTTP."""

from typing import Any, ClassVar, cast

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from access.policy import MESSAGE
from endpoint.errors import CATALOGUE
from endpoint.trigger_message import TriggerMessage, trigger
from endpoint.trigger_trace import sent_with
from foundation.limits import LARGEST_MESSAGE
from management.openapi import Operation
from management.views import ManagementView, checked_values
from management.wire import JsonParser
from objects.serializers import ListOf, StrictSerializer, Text, TypedField
from web.client_address import client_address


class MessageParser(JsonParser):
    largest = LARGEST_MESSAGE


class Unicode(Text):
    """A string of any characters; null stands for the empty one."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"required": False, "allow_null": True} | options)

    def to_internal_value(self, data: Any) -> str:
        text: str = super().to_internal_value(data)
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise serializers.ValidationError(self.expects) from error
        return text


class Lists(TypedField, serializers.DictField):
    """Lists of strings by name; null stands for an empty object."""

    json_type, expects = dict, "an object of lists: name to strings"

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"child": ListOf(child=Unicode(allow_null=False))} | options)

    def to_internal_value(self, data: Any) -> dict[str, list[str]]:
        text, texts = Unicode(), cast(ListOf, self.child)
        members = super().to_internal_value(data)
        return {text.to_internal_value(name): texts.to_internal_value(values) for name, values in members.items()}


class MessageSerializer(StrictSerializer):
    """TriggerUserDefinableApiRequestMessage. What is absent counts as empty."""

    requestMethod = Unicode(help_text="Get, Put, Post, Delete or Patch, in any case.")
    route = Unicode(help_text="As in the URL, after /api/custom/.")
    secret = Unicode(help_text="The secret of an API token.", write_only=True)
    rawBody = Unicode()
    queryParameters = Lists(required=False, allow_null=True)


class ErrorDataSerializer(serializers.Serializer[Any]):
    """UserDefinableApiTriggerErrorData."""

    reason = serializers.ChoiceField(sorted(CATALOGUE))
    message = serializers.CharField(help_text="For the maintainer, tracebacks included.")
    parameters = serializers.ListField(child=serializers.CharField(), help_text="The names of missing parameters.")


class TraceDataSerializer(serializers.Serializer[Any]):
    """What went wrong."""

    errorData = ErrorDataSerializer(many=True)


class ActionResultSerializer(serializers.Serializer[Any]):
    """AutomationScriptActionResult."""

    responseCode = serializers.IntegerField()
    responseBody = serializers.CharField(allow_blank=True)
    responseBodyBytes = serializers.CharField(allow_null=True, help_text="In base64; null if the body is text.")
    responseHeaders = Lists()


class StatisticsSerializer(serializers.Serializer[Any]):
    """Times and sizes; null if no worker node answered."""

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
    log = serializers.CharField(
        allow_blank=True,
        help_text="What the script logged: each line with its milliseconds since the start and a tab before it.",
    )


class TriggerMessageView(ManagementView):
    """Triggers an API without its rate limit, and answers with full error texts."""

    needs = (MESSAGE, "send")
    parser_classes = (MessageParser,)
    operations: ClassVar = {
        "post": Operation("trigger_create", "Send a trigger message", AnswerSerializer, MessageSerializer)
    }

    def post(self, request: Request) -> Response:
        """The answer is 200 even if the trigger fails; `traceData` has its errors."""
        values = checked_values(MessageSerializer, request)
        given = {name: value for name, value in values.items() if value is not None}
        message = TriggerMessage(**given, trace=sent_with(request.META))
        who = str(request.user.get_username()), client_address(request)
        return Response(trigger(message, request.META.get("gunicorn.socket"), *who).as_json())
