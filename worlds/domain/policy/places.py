"""Where the parts of a document stand in its text."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from worlds.domain.policy.faults import Finding, Path, PolicyFault, render_path, render_pointer

Place: TypeAlias = tuple[int, int]


@dataclass(slots=True)
class Places:
    """Line and column, from 1, of values and of keys; empty for a document that came without text.

    `inline` has the values whose characters follow one another on their line, so that an offset inside them
    can be told as a column.
    """

    values: dict[Path, Place] = field(default_factory=dict)
    keys: dict[Path, Place] = field(default_factory=dict)
    inline: dict[Path, Place] = field(default_factory=dict)

    def of(self, finding: Finding) -> tuple[int | None, int | None]:
        """The place of the finding, or of the closest part around it that is known."""
        path = finding.path
        if finding.offset is not None and path in self.inline:
            line, column = self.inline[path]
            return line, column + finding.offset
        first, second = (self.keys, self.values) if finding.of_key else (self.values, self.keys)
        while True:
            place = first.get(path) or second.get(path)
            if place is not None:
                return place
            if not path:
                return None, None
            path = path[:-1]

    def fault(self, finding: Finding) -> PolicyFault:
        line, column = self.of(finding)
        return PolicyFault(
            path=render_path(finding.path),
            pointer=render_pointer(finding.path),
            message=finding.message,
            nearest=list(finding.nearest),
            line=line,
            column=column,
        )


@dataclass(slots=True)
class Reading:
    """A document as read: plain values, their places, and what was wrong with the text."""

    value: object
    places: Places
    findings: list[Finding] = field(default_factory=list)


class Unreadable(Exception):
    """The text cannot be read any further."""

    def __init__(self, message: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(message)
        self.fault = PolicyFault("", "", message, [], line, column)
