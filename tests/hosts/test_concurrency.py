"""Many threads at once, as in a worker."""

import time
from concurrent.futures import ThreadPoolExecutor

from hosts.jobs import Outcome
from tests.hosts.conftest import eventually


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
    begun_at = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        runs = list(pool.map(lambda _: bench.run("import time\ndef run(e): time.sleep(0.6)"), range(8)))
    assert {ran.outcome for ran in runs} == {Outcome.SUCCEEDED}
    assert time.monotonic() - begun_at < 3


def test_the_end_of_one_does_not_touch_the_others(bench):
    with ThreadPoolExecutor(8) as pool:
        steady = [pool.submit(bench.run, "import time\ndef run(e): time.sleep(1)") for _ in range(3)]
        for _ in range(10):
            assert bench.run("import os\ndef run(e): os.abort()").outcome is Outcome.DIED
            assert bench.run("import time\ndef run(e): time.sleep(9)", limit=0.05).outcome is not Outcome.SUCCEEDED
        assert {future.result().outcome for future in steady} == {Outcome.SUCCEEDED}


def test_the_zygote_may_be_killed_at_any_time(bench):
    """At most once: a run that came back as died is not run again; every other one has run whole."""
    with ThreadPoolExecutor(6) as pool:
        futures = [pool.submit(bench.run, "def run(e): print('once')") for _ in range(60)]
        for _ in range(4):
            time.sleep(0.08)
            # Should the others have ended already, this one still has a zygote to lose.
            assert eventually(lambda: bench.run("def run(e): pass").outcome is Outcome.SUCCEEDED)
            bench.zygote().kill()
        runs = [future.result() for future in futures]
    assert {ran.outcome for ran in runs} <= {Outcome.SUCCEEDED, Outcome.DIED, Outcome.COULD_NOT_START}
    assert all(ran.lines == ["once"] for ran in runs if ran.outcome is Outcome.SUCCEEDED)
    assert all(ran.lines == [] for ran in runs if ran.outcome is Outcome.COULD_NOT_START)
    # A host that waits for its end takes a run with it; the next ones are whole.
    assert eventually(lambda: bench.run("def run(e): pass").outcome is Outcome.SUCCEEDED)
