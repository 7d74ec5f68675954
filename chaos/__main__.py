"""`python -m chaos [--small] [--only NAME] [--soak MINUTES]`: break the real stack.

Prints a table of what happened to its callers. The exit status is 1 if the contract was broken.
"""

import argparse
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from testbed.data_dir import INSTALLATION, make_data_dir, set_up_django
from testbed.postgresql import PostgresqlServer, url


def main() -> int:
    """Cause the faults one after the other, each on a new stack."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="about a tenth of everything")
    parser.add_argument("--only", action="append", help="only this fault; may be repeated")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--soak", type=float, default=0.0, metavar="MINUTES", help="also soak for this time")
    arguments = parser.parse_args()
    with ExitStack() as resources:
        temporary = tempfile.TemporaryDirectory(prefix="udapi-chaos-", ignore_cleanup_errors=True)
        root = Path(resources.enter_context(temporary))
        data_dir, server, settings = make_data_dir(root / "data"), None, {}
        if arguments.database == "postgresql":
            server, settings = resources.enter_context(PostgresqlServer(root)), {"DATABASE_URL": url(root)}
        settings |= {"UDAPI_INSTALLATION": INSTALLATION}
        set_up_django(data_dir, UDAPI_LOG_MAX_BYTES="100000000", UDAPI_LOG_LEVEL="WARNING", **settings)
        # These import models.
        from chaos.faults import faults
        from chaos.rows import ReportRow, table

        rows: list[ReportRow] = []
        for name, fault in faults(root, server, small=arguments.small, minutes=arguments.soak).items():
            if not arguments.only or name in arguments.only:
                rows += fault()
                print(f"… {name}", file=sys.stderr, flush=True)
    print(table(rows))
    return 0 if all(row.is_good for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
