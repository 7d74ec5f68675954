"""The baseline with admission: our models through the ORM, then a Celery task and its result."""

import os
from typing import Any

import celery
import django
from django.conf import settings
from django.urls import path
from rest_framework.exceptions import AuthenticationFailed, NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

django.setup()

from django.core.wsgi import get_wsgi_application  # noqa: E402  after the set-up

from definitions import routes  # noqa: E402
from definitions.models import ApiDefinition  # noqa: E402
from tokens import peppers  # noqa: E402
from tokens.models import ApiToken  # noqa: E402

URL = os.environ["BENCHMARK_REDIS_URL"]
celery_app = celery.Celery("plain", broker=URL, backend=URL)


class AdmittingView(APIView):
    """Finds the token by its digest, the definition by its route, and the grant, with one query each."""

    authentication_classes = ()
    permission_classes = ()

    def post(self, request: Request, route: str) -> Response:
        secret = request.META["HTTP_AUTHORIZATION"].removeprefix("Bearer ")
        token = ApiToken.objects.filter(secret_digest__in=peppers.digests(secret).values()).first()
        if token is None or token.is_disabled:
            raise AuthenticationFailed
        signature = routes.signature(routes.parse(route))
        definition: Any = ApiDefinition.objects.select_related("script").filter(signature=signature).first()
        if definition is None or not definition.script.has_api_trigger:
            raise NotFound
        if not definition.allowed_tokens.filter(pk=token.pk).exists():
            raise AuthenticationFailed
        body = request._request.body.decode()
        return Response(celery_app.send_task("echo", [body]).get(timeout=30))


urlpatterns = [path("api/custom/<path:route>", AdmittingView.as_view())]
settings.ROOT_URLCONF = __name__
settings.MIDDLEWARE = []
application = get_wsgi_application()
