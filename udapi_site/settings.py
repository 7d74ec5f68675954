"""All settings. Operators set theirs in the environment (docs/reference/settings.md); the others are fixed here."""

import os
from pathlib import Path
from urllib.parse import quote, urlsplit

from csp.constants import NONCE, NONE, SELF, UNSAFE_EVAL, UNSAFE_INLINE

from broker import redis_url
from foundation import env, log_settings, logs
from foundation.data_directory import DataDir
from foundation.tracer import SAMPLERS, TraceSettings

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = DataDir(Path(env.text("UDAPI_DATA_DIR", str(BASE_DIR / "var"))).resolve())

# --- Secrets: from the environment or from files of the data directory, never a default ---

SECRET_KEY = env.secret("UDAPI_SECRET_KEY", DATA_DIR.secret_key_file)
UDAPI_PEPPERS = env.peppers(env.secret("UDAPI_SECRET_PEPPERS", DATA_DIR.peppers_file))
# None where nobody has made one yet, as after an upgrade: nothing but credentials needs it.
UDAPI_CREDENTIAL_KEYS = env.credential_keys("UDAPI_CREDENTIAL_KEYS", DATA_DIR.credential_keys_file)

# --- Addresses ---

UDAPI_HOST = env.text("UDAPI_HOST", "127.0.0.1")
UDAPI_PORT = env.number("UDAPI_PORT", 8000, 1, 65535)
UDAPI_PUBLIC_URL = env.origin("UDAPI_PUBLIC_URL", f"http://localhost:{UDAPI_PORT}")
UDAPI_TRUSTED_PROXIES = env.networks("UDAPI_TRUSTED_PROXIES")

_public = urlsplit(UDAPI_PUBLIC_URL)
_https = _public.scheme == "https"
ALLOWED_HOSTS = env.words("UDAPI_ALLOWED_HOSTS") or ["localhost", "127.0.0.1", "[::1]", str(_public.hostname)]
CSRF_TRUSTED_ORIGINS = [UDAPI_PUBLIC_URL] if _https else []
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _https
SESSION_COOKIE_AGE = env.number("UDAPI_SESSION_HOURS", 336, 1, 8_760) * 3_600
CSRF_FAILURE_VIEW = "console.csrf_page.csrf_failure"
SECURE_HSTS_SECONDS = 31_536_000 if _https else 0

# --- Triggers, workers, web server ---

UDAPI_TRIGGER_TIMEOUT_SECONDS = env.number("UDAPI_TRIGGER_TIMEOUT_SECONDS", 90, 1, 86_400)
UDAPI_SUBSCRIPT_TIMEOUT_SECONDS = env.number("UDAPI_SUBSCRIPT_TIMEOUT_SECONDS", 3_600, 1, 604_800)
# Not resolved: a script could have replaced it by a link.
UDAPI_STATE_DIR = Path(env.text("UDAPI_STATE_DIR", str(DATA_DIR.state_dir))).absolute()
UDAPI_NODE_ID = env.number("UDAPI_NODE_ID", 0, 0, 2**31 - 1) or None
UDAPI_SCRIPT_USER = env.text("UDAPI_SCRIPT_USER", "")
UDAPI_SCRIPT_READ_PATHS = env.paths("UDAPI_SCRIPT_READ_PATHS")
UDAPI_SCRIPT_WRITE_PATHS = env.paths("UDAPI_SCRIPT_WRITE_PATHS")
UDAPI_TASK_MODULES = env.modules("UDAPI_TASK_MODULES")
UDAPI_WEB_WORKERS = env.number("UDAPI_WEB_WORKERS", min(2, os.cpu_count() or 1), 1, 256)
UDAPI_WEB_THREADS = env.number("UDAPI_WEB_THREADS", 256, 8, 4_096)
UDAPI_TRANSFER_SECONDS = env.number("UDAPI_TRANSFER_SECONDS", 90, 1, 86_400)
UDAPI_SILENCE_SECONDS = env.number("UDAPI_SILENCE_SECONDS", 10, 1, 86_400)

# --- Packages of scripts ---

UDAPI_PACKAGES_ALLOWED = env.package_names("UDAPI_PACKAGES_ALLOWED")
UDAPI_PACKAGE_INDEX_URL = env.package_index("UDAPI_PACKAGE_INDEX_URL")
UDAPI_WHEELHOUSE = env.directory("UDAPI_WHEELHOUSE")
UDAPI_BUILD_TIMEOUT_SECONDS = env.number("UDAPI_BUILD_TIMEOUT_SECONDS", 300, 10, 3_600)
UDAPI_ENVIRONMENTS_MAX_MB = env.number("UDAPI_ENVIRONMENTS_MAX_MB", 10_000, 100, 10_000_000)
UDAPI_BUILD_USER = env.text("UDAPI_BUILD_USER", "")
UDAPI_ENVIRONMENTS_DIR = Path(env.text("UDAPI_ENVIRONMENTS_DIR", str(DATA_DIR.environments_dir))).absolute()

# --- Logs ---

LOGGING_CONFIG = None
UDAPI_LOGS = log_settings.from_environment(DATA_DIR)
logs.to_stderr(UDAPI_LOGS)

# --- Traces; without an address, nothing is recorded. Everything else is OpenTelemetry's own and read by it ---

UDAPI_TRACES = TraceSettings(
    endpoint=env.collector("OTEL_EXPORTER_OTLP_ENDPOINT"),
    headers=env.headers("OTEL_EXPORTER_OTLP_HEADERS"),
    sampler=env.choice("OTEL_TRACES_SAMPLER", "parentbased_always_on", SAMPLERS),
    ratio=env.ratio("OTEL_TRACES_SAMPLER_ARG"),
    is_disabled=env.choice("OTEL_SDK_DISABLED", "false", ("false", "true")) == "true",
)

# --- Metrics; without the token, none are counted ---

UDAPI_METRICS_TOKEN = env.bearer("UDAPI_METRICS_TOKEN")
UDAPI_METRICS_PORT = env.number("UDAPI_METRICS_PORT", 0, 0, 65_535)
UDAPI_METRICS_ADDRESS = env.text("UDAPI_METRICS_ADDRESS", "127.0.0.1")

# --- Database and broker ---

DATABASES = {
    "default": env.database(
        env.text("DATABASE_URL", f"sqlite:///{DATA_DIR.database_file}"),
        pool_size=env.number("UDAPI_DATABASE_POOL_SIZE", 10, 1, 1_000),
        pool_seconds=env.number("UDAPI_DATABASE_POOL_SECONDS", 3_600, 10, 604_800),
    )
}
UDAPI_VERSIONS_KEEP = env.number("UDAPI_VERSIONS_KEEP", 100, 1, 1_000_000)
UDAPI_RUNS_KEEP_DAYS = env.number("UDAPI_RUNS_KEEP_DAYS", 30, 1, 36_500)
UDAPI_RUNS_KEEP_MAX = env.number("UDAPI_RUNS_KEEP_MAX", 1_000_000, 1, 1_000_000_000)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"


def _embedded_redis_url() -> str:
    """The address of the embedded Redis, without a password until `make run` has made one."""
    file = DATA_DIR.redis_password_file
    password = file.read_text().strip() if file.is_file() else ""
    return f"unix://:{quote(password)}@{quote(str(DATA_DIR.redis_socket))}?db=0"


_redis_url = redis_url.checked(env.text("REDIS_URL", ""))
REDIS_URL = _redis_url or _embedded_redis_url()
REDIS_IS_PRIVATE = not _redis_url
REDIS_CA = env.certificates("REDIS_CA")
UDAPI_INSTALLATION = env.installation("UDAPI_INSTALLATION")

# --- The mirror; without an address, searches go to the database ---

ELASTICSEARCH_URL = env.elasticsearch("ELASTICSEARCH_URL")
ELASTICSEARCH_USER = env.text("ELASTICSEARCH_USER", "")
ELASTICSEARCH_PASSWORD = env.text("ELASTICSEARCH_PASSWORD", "")
ELASTICSEARCH_API_KEY = env.header("ELASTICSEARCH_API_KEY")
ELASTICSEARCH_CA = env.certificates("ELASTICSEARCH_CA")
ELASTICSEARCH_PREFIX = env.index_prefix("ELASTICSEARCH_PREFIX", "udapi")
ELASTICSEARCH_CHECK_MINUTES = env.number("ELASTICSEARCH_CHECK_MINUTES", 60, 1, 10_080)

# --- Django ---

DEBUG = False
ROOT_URLCONF = "udapi_site.urls"
WSGI_APPLICATION = "udapi_site.wsgi.application"
INSTALLED_APPS = [
    # Before the theme, because it replaces some of its templates.
    "console",
    "unfold.apps.BasicAppConfig",
    "console.django_admin.ConsoleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "knox",
    "udapi_site",
    "broker",
    "objects",
    "access",
    "logins",
    "keys",
    "tokens",
    "automation",
    "fleet",
    "definitions",
    "endpoint",
    "runs",
    "events",
    "search",
    "management",
    "as_code",
]
MIDDLEWARE = [
    # Before what looks at the host, redirects or logs.
    "health.addresses.HealthMiddleware",
    "endpoint.middleware.TriggerIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    # The following ones are for browsers and the management API only.
    "endpoint.middleware.TriggerMiddleware",
    "web.database.ConnectionMiddleware",
    "csp.middleware.CSPMiddleware",
    "web.bodies.BodyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "logins.sessions.SlidingSessionMiddleware",
    "objects.actor.ActingMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
if UDAPI_METRICS_TOKEN:
    MIDDLEWARE.insert(0, "management.metrics_middleware.MetricsMiddleware")
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
AUTHENTICATION_BACKENDS = ["logins.backend.LimitedBackend"]

KNOX_TOKEN_MODEL = "keys.PersonalKey"  # noqa: S105  the name of a model
# `keys.PersonalKey` replaces this app's model, whose migrations would create an unused table.
MIGRATION_MODULES = {"knox": None}
# A scanner recognises a leaked key by this.
REST_KNOX = {"TOKEN_PREFIX": "udapik"}

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{validator}"}
    for validator in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True
FILE_UPLOAD_HANDLERS = ["web.bodies.RefusingUploadHandler"]
# A trigger is never redirected, and a console address without its slash is not found.
APPEND_SLASH = False
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        # The theme's Alpine compiles attributes into functions.
        "script-src": [SELF, NONCE, UNSAFE_EVAL],
        "style-src": [SELF, NONCE],
        # The theme's select boxes and some of its templates have style attributes.
        "style-src-attr": [UNSAFE_INLINE],
        "font-src": [SELF],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}

SILENCED_SYSTEM_CHECKS = [
    # Nothing is redirected, so that a client that sent its secret over http notices. The proxy redirects browsers.
    "security.W008",
    # Only the operator knows whether all other hosts of their domain use https.
    "security.W005",
    "security.W021",
]

REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "UNAUTHENTICATED_USER": None,
    "DEFAULT_SCHEMA_CLASS": "management.openapi.ManagementSchema",
}

SPECTACULAR_SETTINGS = {
    "TITLE": "User-Defined APIs: management API",
    "DESCRIPTION": "Definitions, tokens, scripts, credentials, runs, events, nodes, trigger message, personal keys.",
    "VERSION": "1",
    # 3.0 cannot say that a nested object may be null in a way that generators understand.
    "OAS_VERSION": "3.1.0",
    "SERVERS": [{"url": "/", "description": "The installation that serves this document"}],
    "SCHEMA_PATH_PREFIX": "/api/management",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    # Scripts and runs have a `kind` each; names of generated types must not change.
    "ENUM_NAME_OVERRIDES": {
        "HealthStatusEnum": "health.states.STATUSES",
        "KindEnum": "automation.versions.ScriptKind.values",
        "NodeStateEnum": "health.broker_states.NODE_STATES",
        "RunKindEnum": "runs.models.KINDS",
        "RunStatusEnum": "runs.models.STATUSES",
        "StateEnum": "automation.builds.BuildState.values",
    },
    "PREPROCESSING_HOOKS": ["management.openapi.own_addresses"],
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "management.openapi.close_requests",
        "management.openapi.share_errors",
    ],
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}

UNFOLD = {
    "SITE_TITLE": "User-Defined APIs",
    "SITE_HEADER": "User-Defined APIs",
    "SITE_URL": None,
    "SITE_ICON": f"{STATIC_URL}console/icon.svg",
}
