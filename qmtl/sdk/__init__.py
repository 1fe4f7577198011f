"""Write a strategy, submit it, run it.

>>> from qmtl.sdk import Node, Runner, Strategy
"""

from qmtl.sdk.alpha import AlphaPerformance, read_alpha_metrics
from qmtl.sdk.errors import AuthorError, DataError, NodeError, SnapshotError, StrategyError
from qmtl.sdk.frame import Bar, Frame, frame_of
from qmtl.sdk.loading import load_strategy
from qmtl.sdk.nodes import Node, Stream
from qmtl.sdk.offline import OfflineResult
from qmtl.sdk.result import ServiceWord, SubmitResult
from qmtl.sdk.runner import Runner
from qmtl.sdk.snapshots import read_snapshot, write_snapshot
from qmtl.sdk.strategy import Strategy

__all__ = [
    "AlphaPerformance",
    "AuthorError",
    "Bar",
    "DataError",
    "Frame",
    "Node",
    "NodeError",
    "OfflineResult",
    "Runner",
    "ServiceWord",
    "SnapshotError",
    "Strategy",
    "StrategyError",
    "Stream",
    "SubmitResult",
    "frame_of",
    "load_strategy",
    "read_alpha_metrics",
    "read_snapshot",
    "write_snapshot",
]
