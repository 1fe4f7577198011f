"""How a command is made: what all have in common is added to what it declares itself, and failures are told."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Annotated, Any, Literal, get_args, get_type_hints

import typer

from qmtl.cli.failures import told
from qmtl.cli.session import Session

Function = Callable[..., None]
Format = Literal["table", "json"]

WORLD, MAYBE_WORLD = "world", "world, if any"
World = Annotated[str, WORLD]
"""A parameter that is given by its place or as `--world`, or stands in QMTL_WORLD."""
MaybeWorld = Annotated[str | None, MAYBE_WORLD]
"""The same where the command also works without one."""

SHARED = "Service and output"
COMMON: dict[str, tuple[Any, Any]] = {
    "format": (
        Annotated[Format, typer.Option("--format", "-f", help="What is printed.", rich_help_panel=SHARED)],
        None,
    ),
    "output": (
        Annotated[
            str | None,
            typer.Option(
                "--output",
                "-o",
                metavar="FILE",
                help="Write the answer to a file (JSON, unless a table is asked for).",
                rich_help_panel=SHARED,
            ),
        ],
        None,
    ),
    "url": (
        Annotated[
            str | None,
            typer.Option(
                metavar="URL", help="The service; else QMTL_URL, or of `qmtl login`.", rich_help_panel=SHARED
            ),
        ],
        None,
    ),
    "token": (
        Annotated[
            str | None,
            typer.Option(
                metavar="TOKEN",
                help="Your token; else QMTL_TOKEN, or of `qmtl login`.",
                rich_help_panel=SHARED,
            ),
        ],
        None,
    ),
}
WORLD_ARGUMENT = Annotated[str | None, typer.Argument(metavar="WORLD", show_default=False, help="World id.")]
WORLD_OPTION = Annotated[
    str | None,
    typer.Option("--world", "-w", metavar="WORLD", help="World id; else QMTL_WORLD.", envvar=None),
]


def command(app: typer.Typer, name: str, *, example: str) -> Callable[[Function], Function]:
    """Add a function to an app. Its first parameter is the `Session`, the others are typer's.

    A parameter of type `World` becomes an argument and an option; `--format`, `--output`, `--url` and `--token` are
    added. `example` stands below its help.
    """

    def register(function: Function) -> Function:
        parameters = declared(function)
        kinds = {each.name: kind for each in parameters if (kind := world_kind(each))}

        def run(**given: Any) -> None:
            session = Session(**{key: given.pop(key) for key in COMMON})
            try:
                for name, kind in kinds.items():
                    session.choose_world(given[name], given.pop("world_option"), optional=kind == MAYBE_WORLD)
                    given[name] = session.world
                function(session, **given)
            except (Exception, KeyboardInterrupt) as error:
                status = told(session, error)
                if status is None:
                    raise
                raise typer.Exit(status) from None
            finally:
                session.close()

        signature = inspect.Signature([each for one in parameters for each in spread(one)] + common())
        run.__signature__ = signature  # type: ignore[attr-defined]
        run.__annotations__ = {each.name: each.annotation for each in signature.parameters.values()}
        run.__name__, run.__doc__ = function.__name__, function.__doc__
        app.command(name, epilog=f"Example: {example}", no_args_is_help=False)(run)
        return function

    return register


def declared(function: Function) -> list[inspect.Parameter]:
    """Its parameters after the session, with their types looked up."""
    hints = get_type_hints(function, include_extras=True)
    _, *own = inspect.signature(function).parameters.values()
    return [each.replace(annotation=hints[each.name], kind=inspect.Parameter.KEYWORD_ONLY) for each in own]


def world_kind(parameter: inspect.Parameter) -> str | None:
    marks = [each for each in get_args(parameter.annotation)[1:] if each in (WORLD, MAYBE_WORLD)]
    return marks[0] if marks else None


def spread(parameter: inspect.Parameter) -> list[inspect.Parameter]:
    """The parameter as typer sees it: a world is two of them."""
    if world_kind(parameter) is None:
        return [parameter]
    return [
        parameter.replace(annotation=WORLD_ARGUMENT, default=None),
        inspect.Parameter(
            "world_option", inspect.Parameter.KEYWORD_ONLY, annotation=WORLD_OPTION, default=None
        ),
    ]


def common() -> list[inspect.Parameter]:
    return [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)
        for name, (annotation, default) in COMMON.items()
    ]
