"""Runs in many threads at once, as in a worker."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from hosts.jobs import HostResult, Outcome
from tests.hosts.conftest import eventually, no_subscripts


def test_every_run_gets_its_own_answer(bench):
    source = """
        import os
        def on_api_trigger(engine, request):
            print(request.raw_body)
            if int(request.raw_body) % 5 == 0:
                os._exit(9)
            return ApiTriggerOutput(200, request.raw_body * 1000)
        """

    def one(number):
        return bench.trigger(source, body=str(number).encode())

    with ThreadPoolExecutor(8) as pool:
        runs = list(pool.map(one, range(96)))
    for number, ran in enumerate(runs):
        assert ran.lines == [str(number)]
        if number % 5:
            assert ran.result.output.body == str(number).encode() * 1000
        else:
            assert ran.outcome is Outcome.DIED
    assert not bench.processes()


def test_runs_do_not_wait_for_one_another(bench):
    everybody = threading.Barrier(8, timeout=30)

    def one(_: int) -> Outcome:
        job = bench.assignment("def run(engine): print('here')", limit=60)
        result: HostResult = bench.hosts.run(job, lambda _line: everybody.wait(), no_subscripts)
        return result.outcome

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(one, range(8))) == {Outcome.SUCCEEDED}


def test_end_of_a_run_does_not_affect_the_others(bench):
    with ThreadPoolExecutor(8) as pool:
        steady = [pool.submit(bench.run, "import time\ndef run(e): time.sleep(1)") for _ in range(3)]
        for _ in range(10):
            assert bench.run("import os\ndef run(e): os.abort()").outcome is Outcome.DIED
            assert bench.run("import time\ndef run(e): time.sleep(9)", limit=0.05).outcome is not Outcome.SUCCEEDED
        assert {future.result().outcome for future in steady} == {Outcome.SUCCEEDED}


def test_the_zygote_may_be_killed_at_any_time(bench):
    """Each job runs at most once: one that died is not run again, and every other one has run completely."""
    with ThreadPoolExecutor(6) as pool:
        futures = [pool.submit(bench.run, "def run(e): print('once')") for _ in range(60)]
        for _ in range(4):
            time.sleep(0.08)
            # If all other runs have ended already, this one makes sure that there is a zygote to kill.
            assert eventually(lambda: bench.run("def run(e): pass").outcome is Outcome.SUCCEEDED)
            bench.zygote().kill()
        runs = [future.result() for future in futures]
    assert {ran.outcome for ran in runs} <= {Outcome.SUCCEEDED, Outcome.DIED, Outcome.COULD_NOT_START}
    assert all(ran.lines == ["once"] for ran in runs if ran.outcome is Outcome.SUCCEEDED)
    assert all(ran.lines == [] for ran in runs if ran.outcome is Outcome.COULD_NOT_START)
    # A host that is about to end may take one run with it; later runs succeed.
    assert eventually(lambda: bench.run("def run(e): pass").outcome is Outcome.SUCCEEDED)
