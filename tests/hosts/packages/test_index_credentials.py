"""The password of the package index reaches uv, and is found nowhere else."""

import os
import threading

import psutil
import pytest

from hosts import uv_commands
from hosts.environments import EnvironmentStore
from hosts.package_builds import BuildError, BuildOptions
from hosts.reachable_paths import reachable_paths
from testbed.package_index import PackageIndex
from testbed.wheels import digest_of
from tests.hosts.packages.conftest import PackageBench

USER, PASSWORD = "robot-account", "s3cret/wörd+%"
SECRETS = (USER, PASSWORD, "s3cret", "rd%2B%25")


def is_clean(text: str) -> bool:
    return not any(secret in text for secret in SECRETS)


class ArgumentWatch:
    """Collects the arguments of all processes below this one while it is entered."""

    def __init__(self) -> None:
        self.seen: set[str] = set()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> "ArgumentWatch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(0.01):
            for process in psutil.Process().children(recursive=True):
                try:
                    self.seen.add(" ".join(process.cmdline()))
                except psutil.Error:
                    continue


def test_index_with_a_password_serves_a_build_and_leaves_no_trace_of_it(packages, bench_with, tmp_path):
    packages.wheels.add("guarded", {"guarded.py": "import os\nfound = dict(os.environ)\n"})
    store = EnvironmentStore(tmp_path / "environments")
    lines: list[str] = []
    with PackageIndex(packages.wheels.directory, USER, PASSWORD) as index, ArgumentWatch() as watch:
        index.delay_seconds = 0.1
        builder = PackageBench(packages.wheels, store).builder(wheelhouse=None, index_url=index.url)
        lock = builder.resolve("", ["guarded"], lines.append)
        built = builder.install(digest_of(lock), "", lock, lines.append)
    assert built.modules == ["guarded"]
    assert any(" pip install " in arguments for arguments in watch.seen)
    assert is_clean("\n".join([*watch.seen, *lines, lock]))
    kept = [path for path in store.root.rglob("*") if path.is_file()]
    assert kept and all(is_clean(path.read_bytes().decode(errors="replace")) for path in kept)
    bench = bench_with(store)
    source = "import guarded\ndef run(engine): print(guarded.found, open('/proc/self/environ').read())"
    ran = bench.run(source, environment=digest_of(lock))
    assert len(ran.lines) == 1 and is_clean(ran.lines[0]) and "127.0.0.1" not in ran.lines[0]
    assert not bench.zygote().environ()
    assert is_clean(repr(BuildOptions(reachable_paths(), index_url=index.url)))


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("{url}", "The package index refuses this node: 401 Unauthorized."),
        ("http://{login}@127.0.0.1:badport/simple", "uv failed: invalid value 'http://•••@127.0.0.1:badport/simple'"),
    ],
)
def test_refusal_of_the_index_does_not_repeat_its_password(packages, address, message):
    lines: list[str] = []
    login = "robot-account:s3cret%2Fword"
    with PackageIndex(packages.wheels.directory, USER, "another") as index:
        url = address.format(url=index.url.replace(":another", ":s3cret%2Fword"), login=login)
        with pytest.raises(BuildError) as failure:
            packages.builder(wheelhouse=None, index_url=url).resolve("", ["guarded"], lines.append)
    assert str(failure.value).startswith(message), lines
    assert lines and is_clean("\n".join([str(failure.value), *lines]))


def test_index_that_cannot_be_reached_is_a_failure_of_the_node(packages, monkeypatch):
    monkeypatch.setattr(uv_commands, "RETRIES", "0")
    url = "http://robot-account:s3cret@127.0.0.1:9/simple"
    failure = packages.unresolved("guarded", wheelhouse=None, index_url=url)
    assert str(failure) == "The package index cannot be reached: Connection refused (os error 111)."
    assert failure.is_of_node


def test_proxies_and_certificates_of_the_node_are_passed_on_and_masked(packages, in_place_of_uv, monkeypatch, tmp_path):
    certificate = tmp_path / "ca.pem"
    certificate.write_text("of an authority")
    monkeypatch.setenv("HTTPS_PROXY", "http://robot-account:s3cret%2Fword@proxy.example:3128")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    monkeypatch.setenv("UDAPI_SECRET_KEY", "the worker's own")
    in_place_of_uv("""
import os, sys
print("\\n".join(f"{name}={value}" for name, value in os.environ.items()), file=sys.stderr)
print(open(os.environ["SSL_CERT_FILE"]).read(), "s3cret/word", "x" * 5000, file=sys.stderr)
for _ in range(100): print("y" * 1000, file=sys.stderr)
sys.exit(1)
""")
    lines: list[str] = []
    failure = packages.refused(packages.wheels.add("proxied"), wheelhouse=None, on_line=lines.append)
    said = "\n".join(lines)
    assert "HTTPS_PROXY=http://•••@proxy.example:3128" in lines
    assert "of an authority ••• xxx" in said and max(map(len, lines)) <= 4096
    assert is_clean(said) and is_clean(str(failure)) and "UDAPI" not in said
    assert lines[-1] == "The rest of the output is left out." and len(said.encode()) <= 64 * 1024
    names = {line.partition("=")[0] for line in lines if "=" in line}
    assert names - {"LC_CTYPE", "SSL_CERT_DIR", "UV_SYSTEM_CERTS"} == {
        "XDG_CONFIG_DIRS",
        "PATH",
        "LANG",
        "HOME",
        "TMPDIR",
        "UV_HTTP_RETRIES",
        "HTTPS_PROXY",
        "SSL_CERT_FILE",
    }
    assert f"HOME={os.environ['HOME']}" not in lines
