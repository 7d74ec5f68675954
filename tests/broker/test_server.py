"""What the start refuses or warns of about Redis, with real servers."""

import os
import re
import subprocess
import sys
from dataclasses import replace

import pytest
import redis

from broker import server
from testbed.data_dir import make_data_dir
from testbed.stack import ROOT, free_port
from tests.broker.servers import NOT_SAVING, Servers, in_a_cluster
from tests.launcher.launcher_process import environment, refused

SAFE = server.ServerFacts("7.2.4", server.STANDALONE, server.PRIMARY, server.NO_EVICTION, saves=False, appends=False)
OF_REDIS = re.compile(r"udapi\.(?:E01[123]|W014|I001)")


@pytest.fixture
def servers(tmp_path):
    """Starts Redis servers."""
    started = Servers(tmp_path)
    yield started
    started.end()


def _checked(tmp_path, url: str) -> list[str]:
    """The ids that `manage.py check` shows about Redis."""
    variables = {"PATH": os.environ["PATH"], "UDAPI_DATA_DIR": str(make_data_dir(tmp_path / "data")), "REDIS_URL": url}
    command = [sys.executable, "manage.py", "check", "--tag", "machine", "--fail-level", "CRITICAL"]
    ended = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    return OF_REDIS.findall(ended.stdout + ended.stderr)


@pytest.mark.parametrize(
    ("options", "ids"),
    [
        (NOT_SAVING, []),
        ((*NOT_SAVING, "--maxmemory-policy", "allkeys-lru"), ["udapi.W014"]),
        ((*NOT_SAVING, "--appendonly", "yes"), ["udapi.I001"]),
        (("--save", "60", "1"), ["udapi.I001"]),
        ((*NOT_SAVING, "--replicaof", "127.0.0.1", "1"), ["udapi.E013"]),
        (in_a_cluster(), ["udapi.E011"]),
    ],
)
def test_the_system_check_names_what_is_dangerous(servers, tmp_path, options, ids):
    assert _checked(tmp_path, servers.start(*options)) == ids


def test_a_redis_that_does_not_answer_is_not_checked(tmp_path):
    assert _checked(tmp_path, f"redis://127.0.0.1:{free_port()}") == []


def test_a_server_that_does_not_show_its_configuration_is_checked_as_well(servers):
    url = servers.start(*NOT_SAVING, "--maxmemory-policy", "allkeys-lru")
    with redis.Redis.from_url(url) as pooled:
        pooled.acl_setuser("limited", enabled=True, nopass=True, commands=["+@all", "-config"], keys=["*"])
    with redis.Redis.from_url(url, username="limited", password="any") as pooled:
        assert [danger.id for danger in server.dangers(server.look(pooled))] == ["udapi.W014"]


@pytest.mark.parametrize(
    ("version", "ids"),
    [("6.0.16", ["udapi.E012"]), ("5.0.14", ["udapi.E012"]), ("6.2.0", []), ("7.0.15", []), ("10.0.1", []), ("", [])],
)
def test_an_old_version_is_refused(version, ids):
    assert [danger.id for danger in server.dangers(replace(SAFE, version=version))] == ids


def test_a_start_on_a_cluster_is_refused(servers, tmp_path):
    sentence = refused(tmp_path / "data", free_port(), REDIS_URL=servers.start(*in_a_cluster()))
    assert sentence.startswith("Error: Redis runs as a cluster")
    assert "REDIS_URL" in sentence


def test_a_start_on_a_replica_is_refused(servers, tmp_path):
    url = servers.start(*NOT_SAVING, "--replicaof", "127.0.0.1", "1")
    assert refused(tmp_path / "data", free_port(), REDIS_URL=url).startswith("Error: Redis is a replica")


def test_a_start_warns_of_eviction_and_notes_what_is_written_to_disk(servers, tmp_path):
    url = servers.start("--save", "60", "1", "--maxmemory-policy", "volatile-ttl")
    unusable = {"REDIS_URL": url, "DATABASE_URL": f"postgresql://somebody@127.0.0.1:{free_port()}/nothing"}
    variables = environment(tmp_path / "data", free_port(), **unusable)
    ended = subprocess.run([sys.executable, "-m", "launcher"], cwd=ROOT, env=variables, capture_output=True, text=True)
    lines = ended.stdout.splitlines()
    assert [line for line in lines if line.startswith("Warning: Redis evicts") and "volatile-ttl" in line]
    assert [line for line in lines if line.startswith("Note: Redis writes to disk")]
    assert lines[-1].startswith("Error: The database cannot be used")
