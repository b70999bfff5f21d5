"""The door: `hybridd …` and `python -m hybridd …`."""

import os
import sys

# Before numpy is loaded: its sums are small here, and threads for them cost more than they bring, and memory each.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from hybridd.cli.main import run


def main() -> None:
    """Run the command line and leave with its exit code."""
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
