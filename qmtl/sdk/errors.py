"""What stops an author's strategy before or beside the service; each message names the next step."""

from __future__ import annotations

from typing import ClassVar

from qmtl.client.errors import QmtlError


class StrategyError(QmtlError):
    """A strategy that cannot be used: not found, not a Strategy, a parameter that it does not have."""

    exit_status: ClassVar[int] = 2


class AuthorError(StrategyError):
    """An author's own code is wrong: it raises, ends the process, or gives what nothing can be done with.

    where: like `setup of Mine`. what: what was wrong. at: the bar's time, "" where there is none. trace: the author's
    lines that led there. A submission ends with it as `rejected`.
    """

    exit_status: ClassVar[int] = 1
    next_step: ClassVar[str] = "Mend it there and start again; Runner.offline tries it without a service."

    def __init__(self, where: str, what: str, *, at: str = "", trace: str = "") -> None:
        super().__init__(f"{where} failed{f' at {at}' if at else ''}: {what}")
        self.where, self.what, self.at, self.trace = where, what, at, trace

    @property
    def report(self) -> str:
        """The message and where it happened."""
        return f"{self}\n\n{self.trace}".rstrip()


class NodeError(AuthorError):
    """A node's compute function failed. `node`: its name."""

    def __init__(self, node: str, at: str, what: str, trace: str = "") -> None:
        super().__init__(f"node {node!r}", what, at=at, trace=trace)
        self.node = node


class DataError(QmtlError):
    """Data that cannot be had or cannot be trusted: missing, late, with gaps, doubles, or another fingerprint."""

    exit_status: ClassVar[int] = 2


class SnapshotError(QmtlError):
    """A snapshot could not be written; the run itself stands."""
