"""The Chromium of the machine, for tests, benchmarks and pictures; nothing is downloaded."""

import os
import shutil
import subprocess

from playwright.sync_api import Browser, Playwright

CHROMIUM = shutil.which("chromium")

# The address bar of each window is a page of Chromium's own, which takes longer than a page of the console. Chromium
# takes the last list that it is given, so what Playwright turns off on Linux is repeated here.
_OFF = (
    *("WebUIOmniboxPopup", "WebUIOmniboxAimPopup", "AimEnabled", "LensOverlay", "PreconnectToSearch"),
    *("AvoidUnnecessaryBeforeUnloadCheckSync", "DestroyProfileOnBrowserClose", "PaintHolding", "MediaRouter"),
    *("HttpsUpgrades", "HttpsFirstBalancedModeAutoEnable", "ThirdPartyStoragePartitioning"),
    *("AvoidCorsURLLoaderRestartOnRedirect", "OptimizationHints", "NetworkTimeServiceQuerying"),
)
ARGUMENTS = [
    f"--disable-features={','.join(_OFF)}",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def launch(playwright: Playwright) -> Browser:
    """A Chromium with a fresh profile."""
    return playwright.chromium.launch(
        executable_path=CHROMIUM, args=ARGUMENTS, headless=True, chromium_sandbox=_can_have_sandbox()
    )


def _can_have_sandbox() -> bool:
    """False for root, and where a container forbids user namespaces."""
    return os.getuid() != 0 and subprocess.run(["unshare", "--user", "true"], capture_output=True).returncode == 0
