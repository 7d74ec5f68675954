"""`python -m chaos [--small] [--only NAME] [--soak MINUTES]`: break the real stack.

Prints what became of its callers, and ends with status 1 when somebody was not answered as the contract says.
"""

import argparse
import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import django
from django.core.management import call_command

from testbed.data_dir import make_data_dir


@contextmanager
def _ground() -> Iterator[Path]:
    """Settings, secrets and an SQLite database of our own, gone afterwards."""
    root = Path(tempfile.mkdtemp(prefix="udapi-chaos-"))
    os.environ |= {"UDAPI_DATA_DIR": str(make_data_dir(root / "data")), "DJANGO_SETTINGS_MODULE": "udapi_site.settings"}
    os.environ |= {"UDAPI_LOG_MAX_BYTES": "100000000", "UDAPI_LOG_LEVEL": "WARNING"}
    try:
        django.setup()
        logging.getLogger("httpx").setLevel(logging.WARNING)
        call_command("migrate", verbosity=0)
        yield root
    finally:
        shutil.rmtree(root, ignore_errors=True)


def main() -> int:
    """Run the faults one after the other, each on a fresh stack."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="about a tenth of everything")
    parser.add_argument("--only", action="append", help="only this fault; may be repeated")
    parser.add_argument("--soak", type=float, default=0.0, metavar="MINUTES", help="soak that long as well")
    arguments = parser.parse_args()
    with _ground() as root:
        # They import models.
        from chaos.faults import faults
        from chaos.report import ReportRow, table

        rows: list[ReportRow] = []
        for name, fault in faults(root, small=arguments.small, minutes=arguments.soak).items():
            if not arguments.only or name in arguments.only:
                rows += fault()
                print(f"… {name}", file=sys.stderr, flush=True)
    print(table(rows))
    return 0 if all(row.is_good for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
