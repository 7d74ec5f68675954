"""The script that `webhook` and Node-RED start for each call: it prints the body."""

import sys

sys.stdout.write(sys.argv[1])
