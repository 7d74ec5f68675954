"""Events as JSON."""

from events.models import ObjectType, Verb
from objects.serializers import Choice, Id, Moment, Number, StrictSerializer, Text


class EventSerializer(StrictSerializer):
    """An information event."""

    id = Id(source="event_id")
    time = Moment(read_only=False)
    parameterId = Number()
    parameterName = Text()
    severity = Text()
    user = Text()
    verb = Choice(Verb.choices)
    objectType = Choice(ObjectType.choices)
    objectId = Id()
    message = Text()


as_dict = EventSerializer().to_representation
"""Made once: the fields of a serializer are copied for each of its instances, and exports render many events."""
