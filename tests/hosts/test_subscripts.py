"""Scripts that run scripts."""

import time

import pytest

from hosts.jobs import MAX_SUBSCRIPT_DEPTH, Outcome, SubscriptAnswer
from tests.hosts.conftest import eventually


class Platform:
    """Runs subscripts as the worker does: if the script waits, in the thread of its run, by recursion."""

    def __init__(self, bench, **scripts):
        self.bench, self.scripts = bench, scripts
        self.lines: list[str] = []
        self.results: dict[str, Outcome] = {}
        self.queued: list[tuple[str, dict[str, str]]] = []
        self.remaining: list[float] = []

    def run(self, source, limit=10.0, **fields):
        return self.bench.run(source, on_subscript=self.at_depth(0), limit=limit, **fields)

    def at_depth(self, depth):
        def on_subscript(name, parameters, wait, remaining_seconds, watch):
            self.remaining.append(remaining_seconds)
            if not wait:
                self.queued.append((name, parameters))
                return SubscriptAnswer(ok=True, job_id=f"job-{len(self.queued)}")
            if name not in self.scripts:
                return SubscriptAnswer(ok=False, message=f"no script {name}")
            job = self.bench.assignment(
                self.scripts[name], limit=remaining_seconds, parameters=parameters, depth=depth + 1
            )
            result = self.bench.hosts.run(job, self.lines.append, self.at_depth(depth + 1), watch)
            self.results[name] = result.outcome
            succeeded = result.outcome is Outcome.SUCCEEDED
            return SubscriptAnswer(succeeded, message=result.message, returned=result.returned)

        return on_subscript


def test_waited_subscript_runs_before_its_caller_continues(bench):
    platform = Platform(bench, child="def run(engine): print(engine.script_param('p').value)")
    ran = platform.run("def run(engine): print(engine.run_subscript('child', {'p': 'é'}))")
    assert (ran.outcome, ran.lines, platform.lines) == (Outcome.SUCCEEDED, ["None"], ["é"])
    assert 5 < platform.remaining[0] < 10


def test_subscript_without_wait_is_queued(bench):
    platform = Platform(bench)
    ran = platform.run("def run(engine): print(engine.run_subscript('later', {'p': '1'}, wait=False))")
    assert (ran.lines, platform.queued) == (["job-1"], [("later", {"p": "1"})])


def test_on_api_trigger_can_run_subscripts(bench):
    platform = Platform(bench, child="def run(engine): pass")
    ran = platform.run(
        """
        from automation.sdk import *
        def on_api_trigger(engine, request):
            engine.run_subscript("child", {})
            return ApiTriggerOutput(202)
        """,
        entry_point="on_api_trigger",
    )
    assert ran.result.output.code == 202


@pytest.mark.parametrize(("name", "message"), [("failing", "ValueError: inner"), ("unknown", "no script unknown")])
def test_failed_subscript_raises_in_its_caller(bench, name, message):
    platform = Platform(bench, failing="def run(engine): raise ValueError('inner')")
    caught = platform.run(
        f"""
        from automation.sdk import SubscriptFailed
        def run(engine):
            try:
                engine.run_subscript("{name}", {{}})
            except SubscriptFailed as error:
                print("caught", error)
        """
    )
    assert (caught.outcome, caught.lines) == (Outcome.SUCCEEDED, [f"caught {message}"])
    uncaught = platform.run(f"def run(engine): engine.run_subscript('{name}', {{}})")
    assert (uncaught.outcome, uncaught.result.message) == (
        Outcome.FAILED,
        f"automation.sdk.SubscriptFailed: {message}",
    )


def test_subscripts_run_one_after_the_other(bench):
    platform = Platform(bench, child="def run(engine): print(engine.script_param('n').value)")
    ran = platform.run("def run(engine):\n for n in range(5): engine.run_subscript('child', {'n': str(n)})")
    assert ran.outcome is Outcome.SUCCEEDED
    assert platform.lines == list("01234")


def test_waited_subscripts_nest_five_deep_and_no_deeper(bench):
    source = """
        def run(engine):
            print(level := int(engine.script_param('level').value))
            engine.run_subscript('again', {'level': str(level + 1)})
        """
    platform = Platform(bench, again=source)
    ran = platform.run(source, parameters={"level": "0"})
    assert ran.outcome is Outcome.FAILED
    assert platform.lines == [str(level) for level in range(1, MAX_SUBSCRIPT_DEPTH + 1)]
    assert "5 deep at most" in ran.result.message


def test_subscript_without_wait_may_be_called_at_any_depth(bench):
    platform = Platform(bench)
    ran = platform.run("def run(engine): engine.run_subscript('x', {}, wait=False)", depth=MAX_SUBSCRIPT_DEPTH)
    assert ran.outcome is Outcome.SUCCEEDED


def test_threads_of_a_script_call_subscripts_in_turn(bench):
    platform = Platform(bench, child="def run(engine): print(engine.script_param('n').value)")
    ran = platform.run(
        """
        from concurrent.futures import ThreadPoolExecutor
        def run(engine):
            with ThreadPoolExecutor(8) as pool:
                ids = list(pool.map(lambda n: engine.run_subscript("q", {"n": str(n)}, wait=n % 2 == 1), range(1, 17)))
            assert all((id is None) == (n % 2 == 1) for n, id in enumerate(ids, 1)), ids
        """.replace('"q"', '"child"')
    )
    assert ran.outcome is Outcome.SUCCEEDED, ran.result
    assert sorted(platform.lines, key=int) == [str(n) for n in range(1, 17, 2)]
    assert len(platform.queued) == 8


def test_deadline_of_the_caller_ends_caller_and_subscript(bench):
    platform = Platform(bench, child="import time\ndef run(engine): time.sleep(600)")
    on_subscript = platform.at_depth(0)

    def generous(name, parameters, wait, remaining_seconds, watch):
        return on_subscript(name, parameters, wait, 60, watch)

    ran = bench.run("def run(engine): engine.run_subscript('child', {})", on_subscript=generous, limit=2)
    assert ran.outcome is Outcome.TIMED_OUT
    assert platform.results["child"] is Outcome.ABANDONED
    assert 2 <= ran.seconds < 30
    assert eventually(lambda: not bench.processes())


def test_caller_and_subscript_with_the_same_deadline_both_end(bench):
    platform = Platform(bench, child="import time\ndef run(engine): time.sleep(600)")
    ran = platform.run("def run(engine): engine.run_subscript('child', {})", limit=0.7)
    assert ran.outcome is Outcome.TIMED_OUT
    assert ran.seconds < 30


@pytest.mark.parametrize(
    ("ending", "outcome"),
    [
        ("os._exit(4)", Outcome.DIED),
        ("os.kill(os.getpid(), 9)", Outcome.DIED),
        ("os.write(3, b'x' * 99)", Outcome.DIED),
    ],
)
def test_when_the_caller_dies_the_subscript_is_ended(bench, ending, outcome):
    platform = Platform(bench, child="import time\ndef run(engine): time.sleep(600)")
    ran = platform.run(
        f"""
        import os, threading, time
        def end():
            time.sleep(2)
            {ending}
        def run(engine):
            threading.Thread(target=end).start()
            engine.run_subscript("child", {{}})
        """,
        limit=60,
    )
    assert ran.outcome is outcome
    assert platform.results["child"] is Outcome.ABANDONED
    assert ran.seconds < 30
    assert eventually(lambda: not bench.processes())


def test_an_answer_does_not_wait_for_a_subscript_of_another_thread(bench):
    platform = Platform(bench, child="import time\ndef run(engine): time.sleep(600)")
    ran = platform.run(
        """
        import threading, time
        def run(engine):
            threading.Thread(target=engine.run_subscript, args=("child", {})).start()
            time.sleep(2)
        """,
        limit=60,
    )
    assert ran.outcome is Outcome.SUCCEEDED
    assert platform.results["child"] is Outcome.ABANDONED
    assert ran.seconds < 30


def test_end_of_the_outermost_run_ends_all_nested_runs(bench):
    middle = "def run(engine): engine.run_subscript('inner', {})"
    platform = Platform(bench, middle=middle, inner="import time\ndef run(engine): time.sleep(600)")
    ran = platform.run(
        """
        import os, threading, time
        def end():
            time.sleep(2)
            os._exit(1)
        def run(engine):
            threading.Thread(target=end).start()
            engine.run_subscript("middle", {})
        """,
        limit=60,
    )
    assert ran.outcome is Outcome.DIED
    assert platform.results == {"inner": Outcome.ABANDONED, "middle": Outcome.ABANDONED}
    assert ran.seconds < 30


def test_output_of_the_caller_is_drained_while_it_waits(bench):
    platform = Platform(bench, child="import time\ndef run(engine): time.sleep(3)")
    ran = platform.run(
        """
        import threading, time
        def flood(done):
            for _ in range(20): print("x" * 100_000)
            done.append(time.monotonic())
        def run(engine):
            done = []
            threading.Thread(target=flood, args=(done,)).start()
            begun_at = time.monotonic()
            engine.run_subscript("child", {})
            print("drained", bool(done)) if not done else engine.exit_success("drained")
        """
    )
    assert (ran.outcome, ran.result.message) == (Outcome.SUCCEEDED, "drained")


def test_large_parameters_reach_a_subscript(bench):
    platform = Platform(bench, child="def run(engine): print(len(engine.script_param('p').value))")
    ran = platform.run("def run(engine): engine.run_subscript('child', {'p': 'x' * 30_000_000})")
    assert (ran.outcome, platform.lines) == (Outcome.SUCCEEDED, ["30000000"])
    ran = platform.run("def run(engine): engine.run_subscript('child', {'p': 'x' * 32_000_000})")
    assert "too long" in ran.result.message


def test_time_limit_holds_after_a_subscript(bench):
    platform = Platform(bench, child="import time\ndef run(engine): time.sleep(0.4)")
    begun_at = time.monotonic()
    ran = platform.run("def run(engine):\n engine.run_subscript('child', {})\n while True: pass", limit=0.8)
    assert ran.outcome is Outcome.TIMED_OUT
    assert 0.8 <= time.monotonic() - begun_at < 30
