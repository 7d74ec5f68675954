from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.launcher.launcher_process import Launcher
from tests.launcher.witness import Witness

Start = Callable[..., Launcher]


@pytest.fixture(scope="session")
def witness(tmp_path_factory: pytest.TempPathFactory) -> Witness:
    """Records the environment of each process of `shared_stack`."""
    return Witness(tmp_path_factory.mktemp("witness"))


@pytest.fixture(scope="session")
def shared_stack(tmp_path_factory: pytest.TempPathFactory, witness: Witness) -> Iterator[Launcher]:
    """A stack without a terminal, in its first start; tests may kill its parts but not end it."""
    # A space and a percent sign: a path is quoted for a shell, the supervisor and Redis.
    stack = Launcher(tmp_path_factory.mktemp("shared") / "data 100%", python=witness.python)
    try:
        yield stack.wait_until_ready()
        stack.end()
    finally:
        stack.kill_rest()


@pytest.fixture
def start() -> Iterator[Start]:
    """Start stacks; those that the test leaves running are killed."""
    stacks: list[Launcher] = []

    def _start(data_dir: Path, **options: object) -> Launcher:
        stacks.append(Launcher(data_dir, **options))  # type: ignore[arg-type]
        return stacks[-1]

    yield _start
    for stack in stacks:
        stack.kill_rest()
