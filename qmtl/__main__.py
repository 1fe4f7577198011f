"""`python -m qmtl`: the command line."""

from __future__ import annotations

from qmtl.cli import main

if __name__ == "__main__":
    main()
