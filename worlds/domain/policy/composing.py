"""Plain values from a stream of begin, end and scalar: what the YAML and the JSON reader have in common."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from worlds.domain.policy.faults import Finding, Path
from worlds.domain.policy.places import Place, Places, Reading, Unreadable

MAX_DEPTH: Final = 80
MAX_VALUES: Final = 20_000


@dataclass(slots=True)
class _Level:
    container: dict[str, Any] | list[Any]
    path: Path
    key: str | None = None
    expects_key: bool = True
    skipped: bool = False


@dataclass(slots=True)
class Composer:
    """Builds the document without recursion; depth and number of values are bounded."""

    places: Places = field(default_factory=Places)
    findings: list[Finding] = field(default_factory=list)
    root: object = None
    _stack: list[_Level] = field(default_factory=list)
    _count: int = 0

    def wants_key(self) -> bool:
        return (
            bool(self._stack) and isinstance(self._stack[-1].container, dict) and self._stack[-1].expects_key
        )

    def path(self) -> Path:
        """The path of the value that comes next."""
        if not self._stack:
            return ()
        level = self._stack[-1]
        if isinstance(level.container, list):
            return (*level.path, len(level.container))
        return level.path if level.key is None else (*level.path, level.key)

    def key(self, text: str, place: Place) -> None:
        """Begin an entry of the mapping. A key that is there twice is a fault; the first one counts."""
        level = self._stack[-1]
        assert isinstance(level.container, dict)
        level.key, level.expects_key = text, False
        level.skipped = text in level.container
        path = (*level.path, text)
        if level.skipped:
            self.findings.append(Finding(path, f"the key {text[:60]} is there twice", of_key=True))
        self.places.keys[path] = place

    def begin(self, container: dict[str, Any] | list[Any], place: Place) -> None:
        if len(self._stack) >= MAX_DEPTH:
            raise Unreadable(f"nested too deeply: at most {MAX_DEPTH} levels are allowed", *place)
        path = self.path()
        self.add(container, place)
        self._stack.append(_Level(container, path))

    def end(self) -> None:
        self._stack.pop()

    def add(self, value: object, place: Place, *, inline: Place | None = None) -> None:
        self._count += 1
        if self._count > MAX_VALUES:
            raise Unreadable(f"more than {MAX_VALUES} values", *place)
        path = self.path()
        self.places.values.setdefault(path, place)
        if inline is not None:
            self.places.inline.setdefault(path, inline)
        self._attach(value)

    def _attach(self, value: object) -> None:
        if not self._stack:
            self.root = value
            return
        level = self._stack[-1]
        if isinstance(level.container, list):
            level.container.append(value)
            return
        if level.key is not None and not level.skipped:
            level.container[level.key] = value
        level.expects_key = True

    def reading(self) -> Reading:
        return Reading(self.root, self.places, self.findings)
