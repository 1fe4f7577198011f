"""How a command is made: what all have in common is added to what it declares itself, and failures are told."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
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
STRATEGY = "strategy"
Strategy = Annotated[str, STRATEGY]
"""A parameter that is given by its place or as `--strategy`."""

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
STRATEGY_ARGUMENT = Annotated[
    str | None, typer.Argument(metavar="STRATEGY", show_default=False, help="Strategy id.")
]
STRATEGY_OPTION = Annotated[
    str | None, typer.Option("--strategy", "-s", metavar="STRATEGY", help="The same, by name.")
]


def command(app: typer.Typer, name: str, *, example: str) -> Callable[[Function], Function]:
    """Add a function to an app. Its first parameter is the `Session`, the others are typer's.

    A parameter of type `World` or `Strategy` becomes an argument and an option; `--format`, `--output`, `--url` and
    `--token` are added. `example` stands below its help.
    """

    def register(function: Function) -> Function:
        parameters = declared(function)
        kinds = {each.name: kind for each in parameters if (kind := kind_of(each))}

        def run(**given: Any) -> None:
            session = Session(**{key: given.pop(key) for key in COMMON})
            try:
                session.check()
                choose(session, kinds, given)
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


def kind_of(parameter: inspect.Parameter) -> str | None:
    known = (WORLD, MAYBE_WORLD, STRATEGY)
    marks = [each for each in get_args(parameter.annotation)[1:] if each in known]
    return marks[0] if marks else None


def spread(parameter: inspect.Parameter) -> list[inspect.Parameter]:
    """The parameter as typer sees it: a world and a strategy are two of them."""
    kind = kind_of(parameter)
    if kind is None:
        return [parameter]
    place, option = (
        (STRATEGY_ARGUMENT, STRATEGY_OPTION) if kind == STRATEGY else (WORLD_ARGUMENT, WORLD_OPTION)
    )
    return [
        parameter.replace(annotation=place, default=None),
        inspect.Parameter(
            f"{parameter.name}_option", inspect.Parameter.KEYWORD_ONLY, annotation=option, default=None
        ),
    ]


def choose(session: Session, kinds: Mapping[str, str], given: dict[str, Any]) -> None:
    """What the command is about, by place or by option. With `--strategy` the only place is the world's."""
    if (
        {"strategy", "world"} <= kinds.keys()
        and given["world"] is given["world_option"] is None
        and given["strategy_option"] not in (None, given["strategy"])
    ):
        given["world"], given["strategy"] = given["strategy"], None
    for name, kind in kinds.items():
        placed, named = given[name], given.pop(f"{name}_option")
        if kind == STRATEGY:
            given[name] = session.choose_strategy(placed, named)
        else:
            session.choose_world(placed, named, optional=kind == MAYBE_WORLD)
            given[name] = session.world


def common() -> list[inspect.Parameter]:
    return [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)
        for name, (annotation, default) in COMMON.items()
    ]
