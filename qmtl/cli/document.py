"""docs/cli.md, from the commands' own help: `python -m qmtl.cli.document`."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import typer

from qmtl.cli.app import app
from qmtl.cli.command import COMMON

HEAD = """# The command line

<!-- Made by `make docs` from the commands' help (qmtl/cli); edits are lost. -->

`qmtl` comes with the wheel (`pip install`); in the project `.venv/bin/python -m qmtl` is the same. `qmtl --help` and
`qmtl COMMAND --help` tell what stands here. `qmtl --install-completion` teaches your shell the commands.

**Which service, who.** `--url` and `--token`, else `QMTL_URL` and `QMTL_TOKEN`, else what `qmtl login` wrote to
`~/.config/qmtl/config.toml` (mode 600; `QMTL_CONFIG` names another file). A token of the file goes only to the address
beside it.

**Which world.** By its place (`qmtl world show alpha`), as `--world alpha`, or in `QMTL_WORLD`.

**What is printed.** Tables that fit 80 columns, or with `--format json` what the service answers, and nothing else, on
stdout: lists are `{"items": [...]}`, `events --follow` is one event a line. Notes and errors go to stderr. `--output F`
writes to the file F, whole or not at all: JSON, unless a table is asked for. Its folder has to be there; only
`.qmtl_snapshots/` is made.

| exit status | meaning |
| --- | --- |
| 0 | ok: done, or the verdict is pass or warn |
| 1 | refused by the service, a failing verdict, a strategy whose own code fails, or above `--fail-impact-ratio` |
| 2 | usage: an option, a file, data, or a strategy that is not there; nothing was asked |
| 3 | inconclusive, or still pending: not judged yet, an apply under way, a command that waits for a resume |
| 4 | the service cannot be reached, or cannot work now |
| 130 | interrupted (Ctrl-C) |

Commands that answer a verdict (`submit`, `world run-status`, `world explain`) end with it.
"""


def main() -> None:
    typer.echo(page(), nl=False)


def page() -> str:
    lines = [HEAD]
    for name, each in commands(typer.main.get_command(app), "qmtl"):
        lines += section(name, each)
    return "\n".join(lines).rstrip() + "\n"


def commands(group: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Every command with its whole name, as they are listed."""
    for word, each in group.commands.items():
        if hasattr(each, "commands"):
            yield from commands(each, f"{name} {word}")
        else:
            yield f"{name} {word}", each


def section(name: str, command: Any) -> list[str]:
    own = [each for each in command.params if each.name not in {*COMMON, "help"}]
    arguments = [each for each in own if each.param_type_name == "argument"]
    usage = " ".join([name, *(placed(each) for each in arguments)])
    lines = [f"## `{usage}`", "", inspect.cleandoc(command.help), ""]
    lines += ["```sh", command.epilog.removeprefix("Example: "), "```", ""]
    rows = [row(each) for each in own if each.param_type_name == "option"]
    if rows:
        lines += ["| option | meaning |", "| --- | --- |", *rows, ""]
    return lines


def placed(argument: Any) -> str:
    name = str(argument.metavar or argument.name.upper()).strip("[]")
    return name if argument.required else f"[{name}]"


def row(option: Any) -> str:
    names = ", ".join(
        f"`{each}`" for each in [*sorted(option.opts, key=len, reverse=True), *option.secondary_opts]
    )
    value = "" if option.is_flag else f" `{option.metavar}`" if option.metavar else " `VALUE`"
    asked = (
        "" if option.default is None or option.is_flag or option.required else f" Default: {option.default}."
    )
    needed = " Needed." if option.required else ""
    return f"| {names}{value} | {option.help or ''}{needed}{asked} |".replace("\n", " ")


if __name__ == "__main__":
    main()
