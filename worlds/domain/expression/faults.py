"""Why an expression is refused, and where."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

Path: TypeAlias = tuple[str | int, ...]


class ExpressionFault(ValueError):
    """An expression that does not parse.

    `position` is the offset of the offending character in the text (None where the fault concerns a tree),
    `path` the place inside the tree form, `nearest` the known names that look like the unknown one. An
    expression may have several faults: this one is the first, `all_faults` has every one.
    """

    def __init__(
        self,
        message: str,
        *,
        position: int | None = None,
        path: Path = (),
        nearest: Sequence[str] = (),
        others: Sequence[ExpressionFault] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.position = position
        self.path = path
        self.nearest = list(nearest)
        self.others = tuple(others)

    @property
    def all_faults(self) -> list[ExpressionFault]:
        return [self, *self.others]

    def under(self, path: Path) -> ExpressionFault:
        """The same fault, seen from further up the tree form."""
        return ExpressionFault(
            self.message, position=self.position, path=path + self.path, nearest=self.nearest
        )


def together(faults: Sequence[ExpressionFault]) -> ExpressionFault:
    """One exception that carries all the faults found."""
    first = faults[0]
    return ExpressionFault(
        first.message, position=first.position, path=first.path, nearest=first.nearest, others=faults[1:]
    )
