"""Entry points that are `async def`."""

from hosts.jobs import Outcome


def test_async_entry_points_run_to_their_end_and_stay_warm(bench):
    source = """
        import asyncio, os
        from automation.sdk import *

        async def on_api_trigger(engine, request):
            first, second = await asyncio.gather(asyncio.sleep(0.01, 1), asyncio.to_thread(lambda: 2))
            return ApiTriggerOutput.json([first, second, os.getpid()])

        async def run(engine):
            await asyncio.sleep(0)
            raise ApiError(404, "Not found")
    """
    first, second = (bench.run(source, "on_api_trigger", name="awaited") for _ in range(2))
    assert first.outcome is Outcome.RETURNED, first.result
    assert first.result.output.body.startswith(b"[1, 2, ") or first.result.output.body.startswith(b"[1,2,")
    assert first.result.output == second.result.output
    assert first.result.not_kept_warm == ""
    assert bench.run(source, name="awaited").result.output.code == 404


def test_failures_and_limits_of_async_entry_points_are_those_of_others(bench):
    failing = bench.run("async def run(engine):\n    raise ValueError('odd')")
    assert (failing.outcome, failing.result.message) == (Outcome.FAILED, "ValueError: odd")
    assert "asyncio" not in failing.result.traceback
    left = bench.run("async def run(engine):\n    engine.exit_success('done')")
    assert (left.outcome, left.result.message) == (Outcome.SUCCEEDED, "done")
    slow = bench.run("import asyncio\nasync def run(engine):\n    await asyncio.sleep(60)", limit=0.5)
    assert slow.outcome is Outcome.TIMED_OUT
    assert bench.run("async def on_api_trigger(engine, request):\n    pass", "on_api_trigger").outcome is (
        Outcome.NOTHING_VALID_RETURNED
    )


def test_engine_knows_script_version_and_remaining_time(bench):
    ran = bench.run(
        "import time\n"
        "def run(engine):\n"
        "    time.sleep(0.1)\n"
        "    print(engine.script_name, engine.script_version, 10 < engine.remaining_seconds < 19.95)",
        limit=20,
        name="timed",
        version=7,
    )
    assert ran.lines == ["timed 7 True"]
