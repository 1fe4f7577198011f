"""The command line `qmtl`: everything that the service can be asked, and strategies submitted and run.

Exit statuses: 0 ok, 1 refused by the service or a failing verdict, 2 usage, 3 inconclusive or still pending,
4 unreachable. What is imported here is light: `qmtl --help` must not wait for numpy or httpx.
"""

from __future__ import annotations


def main() -> None:
    """The entry point `qmtl`."""
    from qmtl.cli.app import app

    app(prog_name="qmtl")


__all__ = ["main"]
