"""`python -m launcher` starts the whole stack, `python -m launcher worker` one more worker node."""

import gc
import importlib
import logging
import os
import sys

import django
from django.core.exceptions import ImproperlyConfigured

from foundation import linux, log_settings, logs
from launcher import generated, lock, paths, private
from launcher.steps import StartError, say

EARLIER_CHILDREN_SECONDS = 120


def main(arguments: list[str]) -> int:
    """Start what `arguments` ask for. Returns only when that is impossible: the exit status."""
    if arguments not in ([], ["worker"]):
        say("Usage: python -m launcher [worker]")
        return 2
    linux.hide_memory()
    # This process only lives until it becomes the supervisor: what it loads stays, and makes no garbage.
    gc.disable()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "udapi_site.settings")
    os.umask(0o077)
    os.chdir(paths.PROJECT)
    try:
        _start(is_worker=arguments == ["worker"])
    except (StartError, ImproperlyConfigured) as error:
        say(f"Error: {error}", logging.ERROR)
    except OSError as error:
        say(f"Error: {error.strerror}: {error.filename}", logging.ERROR)
    except KeyboardInterrupt:
        say("Interrupted.")
    return 1


def _start(is_worker: bool) -> None:
    here = paths.from_environment()
    logs.of_launcher(log_settings.from_environment(here.data))
    private.directory(here.data.root)
    private.directory(here.run_dir)
    if is_worker:
        here = next(each for each in here.nodes() if lock.try_to_hold(each.lock))
    else:
        lock.hold(here.lock)
        lock.wait_until_unshared(here.children_lock, EARLIER_CHILDREN_SECONDS)
        generated.make_missing(here.data)
    django.setup()
    # It imports models, which need Django to be set up.
    stack = importlib.import_module("launcher.stack")
    (stack.start_worker if is_worker else stack.start)(here)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
