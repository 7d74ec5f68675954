"""Rogues: scripts that do what no script should, and how each of them ends."""

from dataclasses import dataclass, field
from typing import Any

from hosts.jobs import Outcome
from hosts.output import DROPPED_NOTE


@dataclass(frozen=True)
class Rogue:
    """A body of `on_api_trigger`, with `before` above it. `says` is part of the message, `shows` of the traceback.

    With `or_raises` the kernel may be first, with that message, for it counts the processes of ordinary users.
    """

    name: str
    body: str
    outcome: Outcome
    says: str = ""
    shows: str = ""
    before: str = ""
    last_line: str = ""
    or_raises: str = ""
    own_limit: float = 0
    fields: dict[str, Any] = field(default_factory=dict)

    @property
    def limit(self) -> float:
        """Short if the rogue has to reach it; long if it must not, even on a busy machine."""
        return self.own_limit or (1.5 if self.outcome is Outcome.TIMED_OUT else 20)

    @property
    def source(self) -> str:
        body = "\n".join("    " + line for line in self.body.strip("\n").split("\n"))
        imports = "import os, sys, time, threading\nfrom automation.sdk import *\n"
        return f"{imports}{self.before}\ndef on_api_trigger(engine, request):\n{body}\n"


ANSWER = "\nreturn ApiTriggerOutput(response_body='fine')"
ROGUES = [
    Rogue("endless loop", "while True: pass", Outcome.TIMED_OUT, "time limit", "line 5 in on_api_trigger"),
    Rogue(
        "loop that catches BaseException",
        "while True:\n  try:\n    while True: time.sleep(0.01)\n  except BaseException: pass",
        Outcome.TIMED_OUT,
    ),
    Rogue(
        "sleep in C code",
        "import ctypes\nctypes.PyDLL(None).sleep(600)",
        Outcome.TIMED_OUT,
        "time limit",
        "line 6 in on_api_trigger",
    ),
    Rogue("stopped", "import signal\nos.kill(os.getpid(), signal.SIGSTOP)\ntime.sleep(600)", Outcome.TIMED_OUT),
    Rogue("8 GB at once", "bytearray(8 * 2**30)", Outcome.FAILED, "MemoryError (the script's memory limit is 512 MB)"),
    Rogue("8 GB by and by", "hoard = []\nwhile True: hoard.append('x' * 2**20)", Outcome.FAILED, "MemoryError"),
    Rogue(
        "8 GB of shared memory",
        "import mmap\nshared = mmap.mmap(-1, 8 * 2**30)\nwhile True: shared.write(b'x' * 2**20)",
        Outcome.OVER_LIMIT,
        "more than 128 MB of memory",
        or_raises="BlockingIOError: [Errno 11] Resource temporarily unavailable",
        own_limit=20,
        fields={"memory_limit_mb": 128},
    ),
    Rogue(
        "memory of many children",
        "for _ in range(8):\n  if os.fork() == 0:\n    hoard = os.urandom(50 * 2**20)\n    time.sleep(600)\n"
        "time.sleep(600)",
        Outcome.OVER_LIMIT,
        "more than 128 MB of memory",
        or_raises="BlockingIOError: [Errno 11] Resource temporarily unavailable",
        own_limit=20,
        fields={"memory_limit_mb": 128},
    ),
    Rogue(
        "double fork",
        "if os.fork() == 0:\n  if os.fork() == 0: time.sleep(600)\n  os._exit(0)" + ANSWER,
        Outcome.RETURNED,
    ),
    Rogue(
        "setsid daemon",
        "if os.fork() == 0:\n  os.setsid()\n  os.chdir('/')\n  os.closerange(0, 100)\n"
        "  if os.fork() == 0: time.sleep(600)\n  os._exit(0)" + ANSWER,
        Outcome.RETURNED,
    ),
    Rogue(
        "10 GB of output",
        "for _ in range(10 * 1024): os.write(1, b'x' * 2**20)\ntime.sleep(600)",
        Outcome.TIMED_OUT,
        last_line=DROPPED_NOTE,
    ),
    Rogue(
        "os._exit", "print('last words', end='')\nos._exit(3)", Outcome.DIED, "exit status 3", last_line="last words"
    ),
    Rogue("abort", "os.abort()", Outcome.DIED, "SIGABRT", "line 5 in on_api_trigger"),
    Rogue("segfault", "import ctypes\nctypes.string_at(0)", Outcome.DIED, "SIGSEGV", "line 6 in on_api_trigger"),
    Rogue("kills itself", "os.kill(os.getpid(), 9)", Outcome.DIED, "SIGKILL"),
    Rogue(
        "deep recursion in C",
        "sys.setrecursionlimit(10**9)\ndeep(0)",
        Outcome.DIED,
        "SIGSEGV",
        "in deep",
        before="def deep(n): return max([n], key=deep)",
        own_limit=20,
    ),
    Rogue("recursion", "deep()", Outcome.FAILED, "RecursionError", "in deep", before="def deep(): deep()"),
    Rogue("sys.exit", "sys.exit(0)", Outcome.FAILED, "sys.exit(0)", "line 5, in on_api_trigger"),
    Rogue(
        "sys.exit in a thread", "t = threading.Thread(target=sys.exit)\nt.start()\nt.join()" + ANSWER, Outcome.RETURNED
    ),
    Rogue("raise", "raise ValueError('why')", Outcome.FAILED, "ValueError: why", "line 5, in on_api_trigger"),
    Rogue(
        "patches what the host needs",
        "import builtins, json, socket\njson.dumps = json.loads = json.encoder.JSONEncoder = None\n"
        "socket.socket = socket.socketpair = None\nos.getpid = os.chdir = os.listdir = os.fstat = os.waitpid = None\n"
        "answer = ApiTriggerOutput(response_body='fine')\n"
        "builtins.len = builtins.isinstance = builtins.str = builtins.memoryview = builtins.dict = None\nreturn answer",
        Outcome.RETURNED,
    ),
    Rogue("closes descriptors", "os.closerange(0, 101)" + ANSWER, Outcome.DIED),
    Rogue(
        "changes cwd, umask and locale",
        "import locale\nos.chdir('/')\nos.umask(0)\nlocale.setlocale(locale.LC_ALL, 'C')" + ANSWER,
        Outcome.RETURNED,
    ),
    Rogue(
        "threads without end",
        "while True: threading.Thread(target=time.sleep, args=(600,)).start()",
        Outcome.FAILED,
        "can't start new thread",
        own_limit=20,
    ),
    Rogue(
        "small threads without end",
        "threading.stack_size(2**16)\nwhile True: threading.Thread(target=time.sleep, args=(600,)).start()",
        Outcome.OVER_LIMIT,
        "more than 200 processes and threads",
        or_raises="RuntimeError: can't start new thread",
        own_limit=20,
    ),
    Rogue("a generator", "yield 1", Outcome.NOTHING_VALID_RETURNED, "generator"),
    Rogue(
        "a body that is a generator",
        "return ApiTriggerOutput(response_body=(n for n in '1'))",
        Outcome.NOTHING_VALID_RETURNED,
        "generator",
    ),
    Rogue(
        "a cycle",
        "cycle = []\ncycle.append(cycle)\nreturn ApiTriggerOutput(response_body=cycle)",
        Outcome.NOTHING_VALID_RETURNED,
    ),
    Rogue("NaN", "return ApiTriggerOutput(float('nan'))", Outcome.NOTHING_VALID_RETURNED, "float"),
    Rogue("nothing", "pass", Outcome.NOTHING_VALID_RETURNED, "returned None"),
    Rogue(
        "a string of 1 GB",
        "return ApiTriggerOutput(response_body='x' * 2**30)",
        Outcome.TOO_LARGE,
        own_limit=20,
        fields={"memory_limit_mb": 1_500},
    ),
    Rogue(
        "a string of 1 GB without room for it",
        "return ApiTriggerOutput(response_body='x' * 2**30)",
        Outcome.FAILED,
        "MemoryError",
    ),
    Rogue(
        "a bytes subclass",
        "class Mine(bytes):\n  def __len__(self): return 10**12\n  def __bytes__(self): return b'forged'\n"
        "return ApiTriggerOutput(response_body_bytes=Mine(b'fine'))",
        Outcome.RETURNED,
    ),
]
