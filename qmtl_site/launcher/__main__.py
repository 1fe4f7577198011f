"""The launcher's command line; see the Makefile for its uses."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from qmtl_site.launcher import commands, signals
from qmtl_site.launcher.environment import for_throwaway
from qmtl_site.launcher.errors import Interrupted, LaunchError
from qmtl_site.launcher.lock import only_one
from qmtl_site.launcher.places import local_folder
from qmtl_site.launcher.run import run
from qmtl_site.launcher.servers import reset, throwaway_servers


def main(arguments: Sequence[str]) -> int:
    options = _parser().parse_args(arguments)
    signals.install()
    try:
        match options.action:
            case "run":
                run()
            case "reset":
                _reset()
            case "demo":
                return _demo(options.arguments)
            case "with":
                return _with(options.command, durable=options.durable)
    except LaunchError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except Interrupted as interrupted:
        # `make run` is meant to be ended by a signal; a command that was cut short failed.
        return 0 if options.action == "run" else 128 + interrupted.signal_number
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m qmtl_site.launcher", description=__doc__)
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("run", help="start QMTL on this machine")
    actions.add_parser("reset", help="remove all data of `run`")
    demo = actions.add_parser("demo", help="run the demo on throw-away servers")
    demo.add_argument("arguments", nargs="*", help="passed to manage.py demo")
    within = actions.add_parser("with", help="run a command on throw-away servers: with -- COMMAND")
    within.add_argument("--durable", action="store_true", help="with fsync, as in production")
    within.add_argument("command", nargs="+")
    return parser


def _reset() -> None:
    with only_one(local_folder()):
        reset()
    print("Removed the data, the users and the tokens of this checkout.")


def _demo(arguments: Sequence[str]) -> int:
    with _throwaway_environment(durable=False) as environment:
        commands.manage(environment, ["migrate", "--noinput"], ["grant_roles"])
        return commands.run(environment, [sys.executable, "manage.py", "demo", *arguments])


def _with(command: Sequence[str], *, durable: bool) -> int:
    with _throwaway_environment(durable=durable) as environment:
        return commands.run(environment, command)


@contextmanager
def _throwaway_environment(*, durable: bool) -> Iterator[dict[str, str]]:
    with (
        tempfile.TemporaryDirectory(prefix="qmtl-blobs-") as blobs,
        throwaway_servers(os.environ, durable=durable) as servers,
    ):
        yield for_throwaway(os.environ, servers, Path(blobs))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
