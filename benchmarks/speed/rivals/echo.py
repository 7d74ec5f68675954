"""What `webhook` starts for each call: a lean script that prints the body it was given."""

import sys

sys.stdout.write(sys.argv[1])
