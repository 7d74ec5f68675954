"""What a process pays for credentials before it has used one."""

import subprocess
import sys

from testbed.stack import ROOT

LOADED = """
import django
django.setup()
import automation.granted, udapi_site.urls, sys
print("cryptography.fernet" in sys.modules)
"""


def test_no_process_loads_cryptography_before_it_needs_it():
    done = subprocess.run([sys.executable, "-c", LOADED], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
