"""`python -m sspr`."""

import sys

from sspr.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
