"""Why a policy document is refused, and at which place of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

Path: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class PolicyFault:
    """One fault: `path` reads `selection.gates.all[1]`, `pointer` is the same place as a JSON pointer.

    `line` and `column` count from 1 and are None where there is no text to point into.
    """

    path: str
    pointer: str
    message: str
    nearest: list[str] = field(default_factory=list)
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        place = f"{self.path}: " if self.path else ""
        line = f" (line {self.line}, column {self.column})" if self.line is not None else ""
        hint = f"; nearest: {', '.join(self.nearest)}" if self.nearest else ""
        return f"{place}{self.message}{hint}{line}"


class PolicyRefused(ValueError):
    """The document is no policy. `faults` has every fault that was found, in the order of the document."""

    def __init__(self, faults: Sequence[PolicyFault]) -> None:
        self.faults = list(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))

    def __reduce__(self) -> tuple[type[PolicyRefused], tuple[list[PolicyFault]]]:
        return type(self), (self.faults,)


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault on its way: the path is not rendered and not yet looked up in the text.

    `offset` counts characters inside the text at `path`; `of_key` points at the key instead of its value;
    `concerns` are other places that the finding was drawn from: it says nothing once one of them is faulty.
    """

    path: Path
    message: str
    nearest: tuple[str, ...] = ()
    offset: int | None = None
    of_key: bool = False
    concerns: tuple[Path, ...] = ()


def render_path(path: Iterable[str | int]) -> str:
    """`("selection", "gates", "all", 1)` reads `selection.gates.all[1]`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part[:100]}" if text else part[:100]
    return text


def render_pointer(path: Iterable[str | int]) -> str:
    """The path as an RFC 6901 JSON pointer."""
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in path)
