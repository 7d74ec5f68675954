"""A temporary environment for each test process, made before Django reads its settings (`-p tests.environment`)."""

import logging
import os
import shutil
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest

from testbed import postgresql
from testbed.data_dir import INSTALLATION, make_data_dir

# Variables of the machine's environment that configure the product must not affect the tests.
_OURS = ("UDAPI_", "DATABASE_URL", "REDIS_", "ELASTICSEARCH_", "DJANGO_")

# Tests that do not run on PostgreSQL: their stack asks the database only for a token and a definition, which other
# tests do on both. They are about scripts and their processes, the queue, bodies and headers, the server; about the
# contents of a page; about permissions, which follow from flags that both databases store alike; and about files and
# messages that are only read.
_WITHOUT_ENGINE = (
    "as_code/test_broken_files",
    "automation/test_compiler",
    "automation/test_new_script",
    "automation/test_sdk",
    "automation/test_sibling_libraries",
    "automation/test_source",
    "broker",
    "browser",
    "chaos",
    "console/test_translation",
    "demo",
    "docs",
    "edge",
    "endpoint/test_answer_headers",
    "endpoint/test_answers",
    "endpoint/test_api_error",
    "endpoint/test_bytes",
    "endpoint/test_documented_errors",
    "endpoint/test_farewell",
    "endpoint/test_given_back",
    "endpoint/test_hang_ups",
    "endpoint/test_input",
    "endpoint/test_json_logs",
    "endpoint/test_large_bodies",
    "endpoint/test_logs",
    "endpoint/test_lost_message",
    "endpoint/test_message_log",
    "endpoint/test_methods",
    "endpoint/test_parameter",
    "endpoint/test_query",
    "endpoint/test_refused_bodies",
    "endpoint/test_request_headers",
    "endpoint/test_run_script",
    "endpoint/test_same_answer",
    "endpoint/test_seen_headers",
    "endpoint/test_server_timing",
    "endpoint/test_shedding",
    "endpoint/test_trigger_ids",
    "endpoint/test_waiting_slots",
    "events/test_streams_and_the_server",
    "fleet/test_background",
    "fleet/test_celery_tools",
    "fleet/test_consumer",
    "fleet/test_faults",
    "fleet/test_fitness",
    "fleet/test_frames",
    "fleet/test_heartbeat",
    "fleet/test_live_runs",
    "fleet/test_max_concurrent",
    "fleet/test_message",
    "fleet/test_nodes",
    "fleet/test_once",
    "fleet/test_pool",
    "fleet/test_redis_watch",
    "fleet/test_schedule_survives",
    "fleet/test_unfit_node",
    "hosts",
    "installations/test_two",
    "launcher",
    "management/test_schema.py",
    "metrics/test_address",
    "metrics/test_deployed_files",
    "metrics/test_page",
    "metrics/test_regions",
    "metrics/test_web_processes",
    "permissions_table",
    "search/test_configuration",
    "search/test_secure_connection",
    "test_architecture",
    "test_documented_settings",
    "test_log_file",
    "test_seams",
    "tokens/test_rate_limit",
    "traces",
)


# A test that asks for none of these, and is not marked with `django_db`, cannot open the database.
_OPENS_DATABASE = frozenset({"db", "transactional_db", "django_db_setup", "open_db", "database_url"})


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--database=postgresql`, which runs the suite on PostgreSQL."""
    parser.addoption("--database", choices=["sqlite", "postgresql"], default="sqlite")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """On PostgreSQL, leave out the tests that would do the same as on SQLite."""
    if config.getoption("database") == "sqlite" or not collection_path.is_relative_to(config.rootpath / "tests"):
        return None
    name = collection_path.relative_to(config.rootpath / "tests").as_posix()
    return True if name.startswith(_WITHOUT_ENGINE) else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On PostgreSQL, leave out the tests that do not open the database."""
    if config.getoption("database") == "sqlite":
        return
    without = [item for item in items if not _opens_database(item)]
    items[:] = [item for item in items if _opens_database(item)]
    config.hook.pytest_deselected(items=without)


def _opens_database(item: pytest.Item) -> bool:
    asked_for = getattr(item, "fixturenames", ())
    return not _OPENS_DATABASE.isdisjoint(asked_for) or item.get_closest_marker("django_db") is not None


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, None, None]:
    """Make the environment before pytest-django loads the settings."""
    root = Path(tempfile.mkdtemp(prefix="udapi-tests-"))
    early_config.add_cleanup(lambda: shutil.rmtree(root, ignore_errors=True))
    if "ELASTICSEARCH_URL" in os.environ:
        os.environ["TESTS_ELASTICSEARCH_URL"] = os.environ["ELASTICSEARCH_URL"]
    for name in [name for name in os.environ if name.startswith(_OURS)]:
        del os.environ[name]
    data_dir = make_data_dir(root / "data")
    # Packages come from here alone; the tests put their own wheels into it.
    wheelhouse = root / "wheelhouse"
    wheelhouse.mkdir(mode=0o755)
    os.environ |= {
        "UDAPI_DATA_DIR": str(data_dir),
        "UDAPI_INSTALLATION": INSTALLATION,
        "UDAPI_WHEELHOUSE": str(wheelhouse),
    }
    os.environ["DJANGO_SETTINGS_MODULE"] = "udapi_site.settings"
    if early_config.known_args_namespace.database == "postgresql":
        os.environ["DATABASE_URL"] = postgresql.url(root)
    # The tests' own client names addresses with made-up secrets, and some tests log to the files of the stack.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    return (yield)
