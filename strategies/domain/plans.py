"""What an apply is to do, as it is stored with it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import orjson


@dataclass(frozen=True)
class Opening:
    """A gate that is to open: of a binding in dry run, or of a live one whose gate was closed."""

    strategy_id: str
    weight: float
    action: Literal["promote", "reopen"] = "promote"


@dataclass(frozen=True)
class Closing:
    """A gate that is to close, and where its binding goes."""

    strategy_id: str
    to: Literal["dry_run", "inactive", "archived"] = "dry_run"


@dataclass(frozen=True)
class EdgeName:
    src_node: str
    dst_node: str


@dataclass(frozen=True)
class Plan:
    """A delta. `weights`: of strategies that stay live, told at the switch where they differ."""

    openings: Sequence[Opening] = ()
    closings: Sequence[Closing] = ()
    weights: Mapping[str, float] = field(default_factory=dict)
    pre_edges: Sequence[EdgeName] = ()
    post_edges: Sequence[EdgeName] = ()
    freeze_timeout_ms: int = 30_000
    unfreeze_timeout_ms: int = 30_000
    on_promote: str = "flat_then_enable"
    on_demote: str = "disable_then_flat"

    def document(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Plan:
        nested = {"openings": Opening, "closings": Closing, "pre_edges": EdgeName, "post_edges": EdgeName}
        made = {name: [kind(**row) for row in document[name]] for name, kind in nested.items()}
        return cls(**{**document, **made})

    @property
    def names(self) -> list[str]:
        """Of all whose gates it moves."""
        return [*(each.strategy_id for each in self.closings), *(each.strategy_id for each in self.openings)]


def hash_of(asked: Mapping[str, Any]) -> str:
    """sha256 of what was asked for under a run id."""
    return hashlib.sha256(orjson.dumps(asked, option=orjson.OPT_SORT_KEYS)).hexdigest()
