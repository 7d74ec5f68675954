"""A script finds no library of another script, neither as a module nor in its memory."""

from hosts.jobs import Library

LOOKS = """
import importlib, os, re

def memory():
    with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", 0) as content:
        for line in maps:
            if " rw" in line and "[v" not in line:
                start, end = (int(part, 16) for part in line.split()[0].split("-"))
                content.seek(start)
                yield content.read(end - start)

def run(engine):
    for name in ("mine", "secret"):
        try:
            importlib.import_module("scripts." + name)
            print(name)
        except ModuleNotFoundError:
            print("no", name)
    # Not the text itself, which the script would find in its own memory.
    wanted = re.compile(b"library[-]of[-]another")
    print(any(map(wanted.search, memory())))
"""


def test_script_finds_no_library_of_another_script(bench):
    secret = [Library("secret", 1, "text = 'library-of-another'")]
    uses = "from scripts.secret import text\ndef run(engine): print(text)"
    assert bench.run(uses, name="other", libraries=secret).lines == ["library-of-another"]
    assert bench.run(LOOKS, name="spy", libraries=[Library("mine", 1, "")]).lines == ["mine", "no secret", "False"]
    assert bench.run(LOOKS, name="spy", libraries=secret).lines == ["no mine", "secret", "True"]
