"""The addresses below `/api/management/`."""

from django.urls import URLPattern, URLResolver, path, re_path

from management.credential_views import CredentialViewSet
from management.environment_views import EnvironmentsView
from management.events import EventViewSet
from management.health import HealthView, MirrorView, NodesView
from management.keys import KeysView, KeyView
from management.object_types import DefinitionViewSet, TokenViewSet
from management.object_views import COLLECTION, COUNT, SINGLE
from management.objective_views import ObjectivesView
from management.run_actions import RunActionsView, RunComparisonView, RunsView, TrialView
from management.run_views import RunBodiesView, RunLogView
from management.schema import DocsView, SchemaView
from management.script_views import ScriptViewSet
from management.statistics_views import StatisticsView
from management.trigger import TriggerMessageView
from management.views import NotFoundView

urlpatterns: list[URLPattern | URLResolver] = [
    path("definitions/", DefinitionViewSet.as_view(COLLECTION)),
    path("definitions/count/", DefinitionViewSet.as_view(COUNT)),
    path("definitions/<str:key>/", DefinitionViewSet.as_view(SINGLE)),
    path("definitions/<str:key>/objectives/", ObjectivesView.as_view()),
    path("definitions/<str:key>/enable/", DefinitionViewSet.as_view({"post": "enable"})),
    path("definitions/<str:key>/disable/", DefinitionViewSet.as_view({"post": "disable"})),
    path("tokens/", TokenViewSet.as_view(COLLECTION), name="management-tokens"),
    path("tokens/count/", TokenViewSet.as_view(COUNT)),
    path("tokens/<str:key>/", TokenViewSet.as_view(SINGLE)),
    path("tokens/<str:key>/rotate/", TokenViewSet.as_view({"post": "rotate"})),
    path("tokens/<str:key>/enable/", TokenViewSet.as_view({"post": "enable"})),
    path("tokens/<str:key>/disable/", TokenViewSet.as_view({"post": "disable"})),
    path("scripts/", ScriptViewSet.as_view(COLLECTION)),
    path("scripts/count/", ScriptViewSet.as_view(COUNT)),
    # A script's name may contain slashes: one that is, or ends like, an address below is reached by its id.
    path("scripts/trial/", TrialView.as_view()),
    path("scripts/<path:key>/versions/", ScriptViewSet.as_view({"get": "versions"})),
    path("scripts/<path:key>/versions/<str:number>/", ScriptViewSet.as_view({"get": "version"})),
    path("scripts/<path:key>/versions/<str:number>/build/", ScriptViewSet.as_view({"post": "build"})),
    path("scripts/<path:key>/versions/<str:number>/activate/", ScriptViewSet.as_view({"post": "activate"})),
    path("scripts/<path:key>/renew/", ScriptViewSet.as_view({"post": "renew"})),
    path("scripts/<path:key>/renew-users/", ScriptViewSet.as_view({"post": "renew_users"})),
    path("scripts/<path:key>/", ScriptViewSet.as_view(SINGLE)),
    path("credentials/", CredentialViewSet.as_view(COLLECTION)),
    path("credentials/count/", CredentialViewSet.as_view(COUNT)),
    path("credentials/<str:key>/", CredentialViewSet.as_view(SINGLE)),
    path("runs/", RunsView.as_view()),
    path("runs/<str:key>/", RunActionsView.as_view()),
    path("runs/<str:key>/log/", RunLogView.as_view()),
    path("runs/<str:key>/bodies/", RunBodiesView.as_view()),
    path("runs/<str:key>/compare/", RunComparisonView.as_view()),
    path("statistics/", StatisticsView.as_view()),
    path("events/", EventViewSet.as_view({"get": "list"})),
    path("events/count/", EventViewSet.as_view({"get": "count"})),
    path("events/export/csv/", EventViewSet.as_view({"get": "csv"})),
    path("events/export/jsonl/", EventViewSet.as_view({"get": "jsonl"})),
    path("events/stream/", EventViewSet.as_view({"get": "stream", "head": "http_method_not_allowed"})),
    path("events/<str:key>/", EventViewSet.as_view({"get": "retrieve"})),
    path("trigger/", TriggerMessageView.as_view()),
    path("environments/", EnvironmentsView.as_view()),
    path("nodes/", NodesView.as_view()),
    path("mirror/", MirrorView.as_view()),
    path("health/", HealthView.as_view()),
    path("keys/", KeysView.as_view()),
    path("keys/<str:key>/", KeyView.as_view()),
    path("schema/", SchemaView.as_view(), name="management-schema"),
    path("docs/", DocsView.as_view(), name="management-docs"),
    re_path(r"", NotFoundView.as_view()),
]
