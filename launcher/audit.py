"""`python -m launcher.audit FILE`: look up known vulnerabilities of the versions locked in FILE, with pip-audit.

Where no source of advisories can be reached, a sentence says so, and the command succeeds.
"""

import subprocess
import sys

import httpx

SOURCE = "https://api.osv.dev/v1/query"
REACH_SECONDS = 10
AUDIT_SECONDS = 300
PIP_AUDIT = ["-m", "pip_audit", "--disable-pip", "--strict", "--progress-spinner", "off"]


def main(requirements: str, source: str = SOURCE) -> int:
    """Print the vulnerabilities; returns 1 if there are any."""
    if reason := _unreachable(source):
        print(f"Skipped: no source of advisories can be reached ({source}: {reason}).")
        return 0
    command = [sys.executable, *PIP_AUDIT, "--vulnerability-service", "osv", "--osv-url", source, "-r", requirements]
    try:
        return subprocess.run(command, timeout=AUDIT_SECONDS, check=False).returncode  # noqa: S603
    except subprocess.TimeoutExpired:
        print(f"Skipped: {source} did not answer for every requirement within {AUDIT_SECONDS} s.")
        return 0


def _unreachable(source: str) -> str:
    """Why the source does not answer a question; empty when it does."""
    question = {"package": {"name": "pip", "ecosystem": "PyPI"}, "version": "1.0"}
    try:
        httpx.post(source, json=question, timeout=REACH_SECONDS).raise_for_status().json()
    except (httpx.HTTPError, ValueError) as error:
        return f"{type(error).__name__}: {error}"
    return ""


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
