"""`credentials/`: storing the values that scripts use, and granting them."""

from typing import ClassVar

from access.policy import CREDENTIAL
from automation.credential_changes import save_credential
from automation.filters import CREDENTIAL_FILTERS
from automation.models import Credential
from automation.serializers import CredentialSerializer
from management.object_views import ObjectViewSet
from management.openapi import operations
from objects.serializers import AuthoredSerializer


class CredentialViewSet(ObjectViewSet[Credential]):
    """Credentials. No answer has a value; granting one to a script is a change of the credential."""

    model = Credential
    label = CREDENTIAL
    serializer_class = CredentialSerializer
    filters = CREDENTIAL_FILTERS
    operations: ClassVar = operations("credentials", CredentialSerializer, filters)

    def save(self, serializer: AuthoredSerializer) -> Credential:
        credential: Credential = serializer.fill()
        if (value := serializer.validated_data.get("value")) is not None:
            credential.set_value(value)
        return save_credential(credential, self.user_name, serializer.validated_data.get("allowed_scripts"))
