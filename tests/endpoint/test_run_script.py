"""`manage.py run_script`: a script is tried as a trigger would run it, without Redis and without a database."""

import io
import os
import subprocess
import sys

import pytest
from django.core.management import CommandError, call_command

from testbed.stack import ROOT, free_port
from tests.endpoint.script_folder import HEAD, ScriptFolder


@pytest.fixture
def bench(tmp_path) -> ScriptFolder:
    return ScriptFolder(tmp_path)


def test_answer_log_and_time_are_shown(bench):
    told = bench.answer(
        "engine.log('working')\nprint('still')\noutput = ApiTriggerOutput(201, request.raw_body)\n"
        "output.response_headers.add('X-Two', 'a', 'b')\nreturn output",
        "--body", "hällo",
    )  # fmt: skip
    log, head, body = told.partition("HTTP")[0], told.partition("\n\n")[0], told.split("\n\n")[1]
    assert log.splitlines() == ["| working", "| still"]
    assert head.splitlines()[2:] == ["HTTP 201 Created", "X-Two: a, b", "Content-Type: application/json; charset=utf-8"]
    assert body == "hällo"
    assert told.splitlines()[-1].endswith(" ms, including the start of the script's process")


def test_the_script_gets_what_a_caller_would_send(bench):
    told = bench.answer(
        "import json\nreturn ApiTriggerOutput(response_body=json.dumps([request.request_method, request.route,"
        "request.route_parameters, request.query_parameters.get_all('a'), request.parameters, request.raw_body]))",
        "--method", "patch", "--route", "Encoders/{id=7%2F a}/{x=y=z}", "--query", "a=1", "--query", "a=",
        "--param", "n=1", "--param", "t=a=b",
    )  # fmt: skip
    body = '{\\"n\\": \\"1\\", \\"t\\": \\"a=b\\"}'
    assert '"Patch", "Encoders/7%2F a/y=z", {"id": "7%2F a", "x": "y=z"}, ["1", ""]' in told
    assert f'{{"n": "1", "t": "a=b"}}, "{body}"]' in told


def test_a_body_is_read_as_parameters_only_when_told(bench):
    body = "return ApiTriggerOutput(response_body=repr(request.parameters))"
    (bench.folder / "body.json").write_text('{"n": 1.50}')
    given = ("--body-file", bench.folder / "body.json")
    assert "\n\n{}\n" in bench.answer(body, *given)
    assert "\n\n{'n': '1.50'}\n" in bench.answer(body, *given, "--parameters")
    assert "Error 10 (BodyToParametersConversionFailed)" in bench.fails(body, "--parameters", "--body", "[1]")


def test_headers_and_bytes_are_sent(bench):
    seen = "[request.headers.get('x-a'), request.headers.get_all('X-B'), request.raw_body, request.raw_body_bytes]"
    body = f"return ApiTriggerOutput(response_body=repr({seen}))"
    (bench.folder / "body").write_bytes(b"\xff\0")
    (bench.folder / "text").write_text("hi")
    of_type = "--header", "content-type=image/png", "--body-file"
    sent = "--header", "X-A=1=2", "--header", "x-b=b", "--header", "X-B=c", "--header", "Cookie=c"
    assert "\n\n['1=2', ['b', 'c'], '', b'\\xff\\x00']\n" in bench.answer(
        body, *sent, "--body-file", bench.folder / "body"
    )
    assert "\n\n[None, [], 'hi', b'hi']\n" in bench.answer(body, "--body-file", bench.folder / "text")
    assert "\n\n[None, [], '', b'hi']\n" in bench.answer(body, *of_type, bench.folder / "text")


def test_credentials_are_read_from_a_private_file(bench):
    bench.write("engine.log(engine.credential('smtp')[:3])\nreturn {}", "sends", "def run(engine):\n")
    values = bench.folder / "values.json"
    values.write_text('{"smtp": "two\\nlines"}')
    values.chmod(0o600)
    told = bench.answer(
        "engine.run_subscript('sends', {}, wait=True)\n"
        "return ApiTriggerOutput.json([engine.credential('smtp').upper()])",
        "--credentials", values,
    )  # fmt: skip
    assert "| two" in told
    assert '["TWO\\nLINES"]' in told
    assert "CredentialNotAllowed" in bench.fails("engine.credential('ftp')", "--credentials", values)
    assert "CredentialNotAllowed" in bench.fails("engine.credential('smtp')")
    values.chmod(0o640)
    assert "can be read or changed by other users: give it the mode 600." in bench.fails(
        "pass", "--credentials", values
    )
    assert "cannot be read: No such file" in bench.fails("pass", "--credentials", bench.folder / "nothing")


def test_bytes_are_sized_and_a_204_has_no_body(bench):
    assert "\n\n[3000 bytes]\n" in bench.answer("return ApiTriggerOutput(response_body_bytes=b'\\0' * 3000)")
    told = bench.answer("return ApiTriggerOutput(204, 'not sent')")
    assert told.startswith("HTTP 204 No Content\n\n")
    assert "not sent" not in told


def test_an_existing_script_runs_with_its_parameters(bench):
    file = bench.write("engine.log(engine.script_param('name').value)", head="def run(engine):\n")
    told = bench.run(file, "--param", "name=Jane")
    assert told.startswith("| Jane\nHTTP 200 OK\n")
    assert "no parameter named 'name'" in bench.fails_with(file)


def test_of_two_entry_points_the_other_is_run_when_told(bench):
    file = bench.write("return ApiTriggerOutput(response_body='called')\n")
    file.write_text(file.read_text() + "\ndef run(engine):\n    print('the job')\n")
    assert "called" in bench.run(file)
    assert "| the job" in bench.run(file, "--run")
    assert "Error 15 (GetScriptInfoFailed)" in bench.fails("return ApiTriggerOutput()", "--run")


def test_subscripts_are_the_files_beside_it(bench):
    bench.write("print('below', engine.script_param('a').value)", "below", head="def run(engine):\n")
    told = bench.answer(
        "engine.run_subscript('below', {'a': 'b'})\njob = engine.run_subscript('below', {'a': 'c'}, wait=False)\n"
        "return ApiTriggerOutput(response_body=f'{len(job)}')"
    )
    assert "| below b\n" in told
    assert "| [a worker node would now run below as a job of its own, with {'a': 'c'}]\n" in told
    assert "| below c" not in told
    assert "\n\n36\n" in told
    assert "there is no script gone" in bench.fails("engine.run_subscript('gone')")
    assert "there is no script ../tried" in bench.fails("engine.run_subscript('../tried')")


def test_libraries_are_the_files_beside_it(bench):
    for name, source in {
        "words": "from scripts.marks import mark\ndef greeting(to): return to + mark\n",
        "marks": "mark = '!'\n",
        "others": "def broken(): return 1 / 0\n",
    }.items():
        (bench.folder / f"{name}.py").write_text(source)
    head = "from scripts.words import greeting\n"
    bench.write("from scripts.marks import mark\nprint('below', mark)", "below", head="def run(engine):\n")
    answer = "engine.run_subscript('below')\nreturn ApiTriggerOutput(response_body=greeting('Jane'))"
    told = bench.run(bench.write(answer, head=head + HEAD))
    assert "| below !\n" in told
    assert "\n\nJane!\n" in told
    told = bench.fails("from scripts.others import broken\nbroken()")
    assert 'File "<script others>", line 1, in broken' in told
    bench.write("pass", "unusable", head="from scripts.words import gone\ndef run(engine):\n")
    told = bench.fails("engine.run_subscript('unusable')")
    assert "there is no script unusable: " in told
    assert "unusable.py, line 1: The library words has no gone." in told


@pytest.mark.parametrize(
    ("imports", "why"),
    [
        ("from scripts.gone import x", "tried.py, line 4: There is no library gone."),
        (f"import scripts.{'x' * 300}", "tried.py, line 4: There is no library xxx"),
        ("from scripts.deep import x", "tried.py, line 4: There is no library gone (imported by the library deep)."),
        ("from scripts.deeper import y", "tried.py, line 4: The library deeper has no y."),
        ("from scripts.one import x", ": The libraries import each other: "),
        ("from scripts.job import run", "job.py is no library: it has a function run."),
        ("from scripts.latin import x", "latin.py is not UTF-8"),
        ("from scripts.broken import x", "broken.py, line 2: "),
        ("from scripts import deeper", "tried.py, line 4: A library is imported with"),
        ("import scripts", "tried.py, line 4: A library is imported with"),
        ("import scripts.deeper.x", "tried.py, line 4: A library is imported with"),
        ("from scripts.relative import x", "relative.py, line 1: A library is imported with"),
    ],
)
def test_library_that_cannot_be_used_is_refused_by_name(bench, imports, why):
    for name, source in {
        "deep": "from scripts.gone import x",
        "deeper": "x = 1",
        "one": "from scripts.two import *\nx = 1",
        "two": "from scripts.one import *\nx = 1",
        "job": "def run(engine): pass",
        "broken": "x = 1\ny = (",
        "relative": "from scripts import deeper\nx = 1",
    }.items():
        (bench.folder / f"{name}.py").write_text(source)
    (bench.folder / "latin.py").write_bytes(b"# \xfc\n")
    assert why in bench.fails(imports)


@pytest.mark.parametrize(
    ("body", "number", "reason", "why"),
    [
        ("1 / 0", 12, "AutomationActionError", 'File "<script tried>", line 4, in on_api_trigger'),
        ("engine.exit_fail('no encoder')", 12, "AutomationActionError", "no encoder"),
        ("import os; os._exit(3)", 12, "AutomationActionError", "exit status 3"),
        ("return 7", 13, "InvalidAutomationActionResult", "an object of type int"),
        ("return ApiTriggerOutput(600)", 1002, "UnknownStatusCode", "600"),
        ("o = ApiTriggerOutput(); o.response_headers.set('TE', ''); return o", 1012, "ResponseHeadersNotAllowed", "TE"),
    ],
)  # fmt: skip
def test_an_error_is_told_with_its_reason_and_the_traceback(bench, body, number, reason, why):
    told = bench.fails(body)
    assert told.startswith(f'Error {number} ({reason}): the caller gets HTTP 500, "Something went wrong')
    assert why in told


def test_an_endless_loop_ends_with_its_time(bench):
    told = bench.fails("while True: pass", "--timeout", "1")
    assert "Error 12 (AutomationActionError)" in told
    assert "time limit" in told


def test_what_is_no_script_is_refused_by_name(bench, tmp_path):
    assert "is not a file" in bench.fails_with(tmp_path)
    assert "No such file" in bench.fails_with(tmp_path / "gone.py")
    assert "tried.py, line 4: " in bench.fails("return (")
    assert "has no function on_api_trigger(engine, request) or run(engine)" in bench.fails_with(
        bench.write("pass", head="def other():\n")
    )
    (tmp_path / "latin.py").write_bytes(b"# \xfc\n")
    assert "is not UTF-8" in bench.fails_with(tmp_path / "latin.py")
    (tmp_path / "zero.py").write_bytes(b"\0")
    assert "null byte" in bench.fails_with(tmp_path / "zero.py")


def test_a_state_directory_that_cannot_be_made_is_named(bench, settings, tmp_path):
    (tmp_path / "file").touch()
    settings.UDAPI_STATE_DIR = tmp_path / "file" / "state"
    assert "No script host can be started" in bench.fails("return ApiTriggerOutput()")


def test_output_that_nobody_reads_ends_it(bench):
    class Closed(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    file = bench.write("print('a line')\nreturn ApiTriggerOutput()")
    with pytest.raises(CommandError, match="Nobody reads"):
        call_command("run_script", str(file), stdout=Closed())


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--method", "HEAD"], "invalid choice: 'HEAD' (choose from"),
        (["--route", "a//b"], "empty segment"),
        (["--route", "a/{id}"], "Say what a caller sends for {id}"),
        (["--route", "a/{=7}"], "needs a name"),
        (["--query", "novalue"], "is not NAME=VALUE"),
        (["--param", "=x"], "is not NAME=VALUE"),
        (["--header", "novalue"], "is not NAME=VALUE"),
        (["--header", "X Y=1"], "a character that HTTP does not allow"),
        (["--header", "X=a\nb"], "The header X has a control character"),
        (["--header", f"X={'a' * 8190}"], "more than 8190 bytes"),
        (["--header", "Content-Type=text/plain", "--body-file", sys.executable], "Error 1007 (FailedToReadBody)"),
        (["--timeout", "0"], "1 to 86400"),
        (["--timeout", "soon"], "1 to 86400"),
        (["--body-file", "/"], "cannot be read"),
        (["--body", "\udcff"], "not UTF-8"),
        (["--route", "\udcff"], "not UTF-8"),
        (["--body", "a", "--param", "a=b"], "not allowed with"),
    ],
)
def test_arguments_that_cannot_be_used_are_refused(bench, arguments, why):
    assert why in bench.fails("return ApiTriggerOutput()", *arguments)


def test_neither_redis_nor_a_database_is_needed(bench, tmp_path):
    nobody = f"127.0.0.1:{free_port()}"
    environment = {
        "PATH": os.environ["PATH"],
        "UDAPI_DATA_DIR": str(tmp_path),
        "UDAPI_SECRET_KEY": "k" * 50,
        "UDAPI_SECRET_PEPPERS": f"1:{'p' * 32}",
        "DATABASE_URL": f"postgresql://nobody@{nobody}/none",
        "REDIS_URL": f"redis://{nobody}/0",
    }
    file = bench.write("engine.log('here')\n1 / 0")
    command = [sys.executable, "manage.py", "run_script", str(file)]
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 1
    assert ended.stdout == "| here\n"
    assert "ZeroDivisionError" in ended.stderr
    assert "hosts" not in ended.stderr
