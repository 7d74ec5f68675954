"""The Chromium of the machine, for tests, benchmarks and pictures; nothing is downloaded."""

import os
import shutil

from playwright.sync_api import Browser, Playwright

CHROMIUM = shutil.which("chromium")
ARGUMENTS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def launch(playwright: Playwright) -> Browser:
    """A Chromium of its own, with a fresh profile; root cannot have its sandbox."""
    return playwright.chromium.launch(
        executable_path=CHROMIUM, args=ARGUMENTS, headless=True, chromium_sandbox=os.getuid() != 0
    )
