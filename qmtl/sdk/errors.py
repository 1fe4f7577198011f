"""What stops an author's strategy before or beside the service; each message names the next step."""

from __future__ import annotations

from typing import ClassVar

from qmtl.client.errors import QmtlError


class StrategyError(QmtlError):
    """A strategy that cannot be used: not found, not a Strategy, a wrong graph, a wrong output."""

    exit_status: ClassVar[int] = 2


class DataError(QmtlError):
    """Data that cannot be had or cannot be trusted: missing, late, with gaps, doubles, or another fingerprint."""

    exit_status: ClassVar[int] = 2


class SnapshotError(QmtlError):
    """A snapshot could not be written; the run itself stands."""


class NodeError(QmtlError):
    """An author's compute function failed. `node`: its name; `at`: the bar's time; `trace`: where it happened."""

    def __init__(self, node: str, at: str, error: BaseException, trace: str) -> None:
        super().__init__(f"node {node!r} failed at {at}: {type(error).__name__}: {error}")
        self.node = node
        self.at = at
        self.trace = trace
