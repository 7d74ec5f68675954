"""`raise ApiError` anywhere in a script is an answer, not a failure."""

import json

from hosts.jobs import Library, Outcome, SubscriptAnswer
from tests.hosts.test_subscripts import Platform
from tests.values import for_each

RAISE = "raise ApiError(409, 'In use', 'Encoder 7 is recording.')"
BODY = {"errors": [{"title": "In use", "detail": "Encoder 7 is recording."}]}

POSITIONS = {
    "handler": RAISE,
    "cause": f"""
        try:
            1 / 0
        except ZeroDivisionError as error:
            {RAISE} from error
    """,
    "generator": f"""
        def items():
            yield 1
            {RAISE}
        list(items())
    """,
    "thread": f"""
        from concurrent.futures import ThreadPoolExecutor
        def work():
            {RAISE}
        with ThreadPoolExecutor(1) as pool:
            pool.submit(work).result()
    """,
    "task group": f"""
        import asyncio
        async def work():
            {RAISE}
        async def main():
            async with asyncio.TaskGroup() as group:
                group.create_task(work())
                group.create_task(asyncio.sleep(5))
        asyncio.run(main())
    """,
    "finally": f"""
        try:
            {RAISE}
        finally:
            engine.log("closed")
    """,
}


def raising(statement: str, signature: str = "on_api_trigger(engine, request)") -> str:
    return f"from automation.sdk import *\ndef {signature}:\n" + "\n".join(
        f"    {line}" for line in _dedented(statement).splitlines()
    )


def _dedented(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) == 1:
        return lines[0]
    indent = min(len(line) - len(line.lstrip()) for line in lines)
    return "\n".join(line[indent:] for line in lines)


def answer_of(ran) -> tuple[int, object]:
    assert ran.outcome is Outcome.RETURNED, ran.result
    assert (ran.result.message, ran.result.traceback) == ("", "")
    return ran.result.output.code, json.loads(ran.result.output.body)


@for_each("position", POSITIONS)
def test_api_error_is_an_answer_wherever_it_is_raised(bench, position):
    ran = bench.run(raising(POSITIONS[position]), "on_api_trigger")
    assert answer_of(ran) == (409, BODY)
    assert ran.result.output.error == "In use: Encoder 7 is recording."
    assert ran.result.output.headers == {}
    assert ran.result.output.is_text


def test_api_error_is_an_answer_of_run_and_of_a_library_and_keeps_the_process_warm(bench):
    source = "import os\nfrom scripts.checks import refuse\ndef run(engine):\n    print(os.getpid())\n    refuse()\n"
    library = Library("checks", 1, f"from automation.sdk import ApiError\ndef refuse():\n    {RAISE}\n")
    first, second = (bench.run(source, name="refusing", libraries=(library,)) for _ in range(2))
    assert answer_of(first) == answer_of(second) == (409, BODY)
    assert first.lines == second.lines
    assert first.result.not_kept_warm == ""


def test_api_error_of_the_module_itself_is_an_answer(bench):
    ran = bench.run(f"from automation.sdk import *\n{RAISE}\ndef run(engine): pass")
    assert answer_of(ran) == (409, BODY)
    assert ran.result.not_kept_warm


def test_error_in_a_thread_of_its_own_goes_to_the_log(bench):
    statement = f"""
        import threading
        def work():
            {RAISE}
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        return ApiTriggerOutput()
    """
    ran = bench.run(raising(statement), "on_api_trigger")
    assert ran.result.output.code == 200
    assert any("In use" in line for line in ran.lines)


@for_each(
    "raised, outcome, says",
    [
        ("ApiError(True, 'x')", Outcome.FAILED, "TypeError"),
        ("ApiError(400, 'x' * (31 * 2**20))", Outcome.TOO_LARGE, "bytes"),
        ("ExceptionGroup('both', [ApiError(409, 'x'), ValueError('y')])", Outcome.FAILED, "ExceptionGroup"),
        ("Odd(400, 'x')", Outcome.NOTHING_VALID_RETURNED, "not an int"),
    ],
)
def test_what_is_no_valid_api_error_fails(bench, raised, outcome, says):
    odd = "class Odd(ApiError):\n    status = property(lambda self: 'four', lambda self, value: None)\n"
    ran = bench.run(f"from automation.sdk import *\n{odd}def run(engine):\n    raise {raised}")
    assert (ran.outcome, says in ran.result.message) == (outcome, True), ran.result


@for_each("body", ["1 / 0", "raise MemoryError", "return self.title", "raise SystemExit(3)"])
def test_api_error_that_fails_while_it_is_read_is_a_failure_of_the_script(bench, body):
    title = "title = property(lambda self: self.read(), lambda self, value: None)"
    odd = f"class Odd(ApiError):\n    {title}\n    def read(self): {body}\n"
    ran = bench.run(f"from automation.sdk import *\n{odd}def run(engine):\n    raise Odd(409, 'x')")
    assert (ran.outcome, ran.lines) == (Outcome.FAILED, []), ran.result
    assert "script_results" not in ran.result.traceback
    assert ran.result.not_kept_warm


def test_group_of_very_many_api_errors_is_an_answer_at_once(bench):
    errors = "ExceptionGroup('all', [ApiError(409, 'x')] * 300_000)"
    ran = bench.run(f"from automation.sdk import *\ndef run(engine):\n    raise {errors}")
    assert (ran.result.output.code, ran.seconds < 30) == (409, True)


@for_each("written, sent", [("10 ** 30", 1_000_000), ("-(10 ** 30)", -1), ("200", 200), ("499", 499)])
def test_status_of_any_size_is_told_and_judged_by_the_node(bench, written, sent):
    ran = bench.run(f"from automation.sdk import *\ndef run(engine):\n    raise ApiError({written}, 'no \\ud800')")
    assert ran.result.output.code == sent
    assert json.loads(ran.result.output.body) == {"errors": [{"title": "no ?", "detail": ""}]}


def test_caller_of_a_subscript_learns_its_status(bench):
    def on_subscript(*_):
        return SubscriptAnswer(ok=False, message="child: In use", status=409)

    source = """
        from automation.sdk import *
        def run(engine):
            try:
                engine.run_subscript("child")
            except SubscriptFailed as error:
                print(error, error.status)
    """
    assert bench.run(source, on_subscript=on_subscript).lines == ["child: In use 409"]


def test_subscript_returns_what_its_run_returned_if_that_is_json(bench):
    def returned_by(expression: str) -> list[str]:
        child = f"import decimal\ndef run(engine): return {expression}"
        platform = Platform(bench, child=child)
        lines: list[str] = platform.run("def run(engine): print(repr(engine.run_subscript('child')))").lines
        return lines

    assert returned_by("{'id': 7, 'tags': ('é', None), 'ok': True}") == ["{'id': 7, 'tags': ['é', None], 'ok': True}"]
    assert returned_by("0") == ["0"]
    for no_json in ("decimal.Decimal(1)", "float('nan')", "b'x'", "None"):
        assert returned_by(no_json) == ["None"]


def test_returned_value_over_30_mb_fails_the_subscript(bench):
    platform = Platform(bench, child="def run(engine): return 'x' * (31 * 2**20)")
    ran = platform.run(
        """
        from automation.sdk import *
        def run(engine):
            try:
                engine.run_subscript("child")
            except SubscriptFailed as error:
                print(error)
        """
    )
    assert ran.lines == [f"run returned {31 * 2**20 + 2} bytes of JSON."]
