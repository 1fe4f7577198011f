"""A preview without a service: the same replay, the same figures, and nobody's verdict."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from qmtl.sdk import html
from qmtl.sdk.backtest import Record
from qmtl.sdk.errors import SnapshotError
from qmtl.sdk.intervals import iso
from qmtl.sdk.pnl import (
    Account,
    Floats,
    figures_of_returns,
    missing_figures,
    simulate_long_account_from_returns,
)
from qmtl.sdk.snapshots import write_snapshot
from qmtl.sdk.words import number

NOBODY = "offline"
NOT_JUDGED = 4
"""Its badge has the colour of what did not come to the service."""


@dataclass(frozen=True, eq=False)
class OfflineResult:
    """A record with its figures by block; `missing` says why others are not there."""

    strategy_id: str
    run_id: str
    record: Record = field(repr=False)
    account: Account = field(repr=False)
    figures: dict[str, dict[str, Any]] = field(repr=False)
    missing: dict[str, str] = field(repr=False)
    snapshot_path: str | None = None
    snapshot_error: str | None = None

    @property
    def returns(self) -> Floats:
        return self.record.returns

    def snapshot(self) -> dict[str, Any]:
        """In the shape of the service's; its status says that nobody judged."""
        times = self.record.times
        returns = {
            **self.figures["returns"],
            "window": f"{iso(int(times[0]))}/{iso(int(times[-1]))}",
            "source": self.record.source,
        }
        metrics = {
            "world_id": NOBODY,
            "strategy_id": self.strategy_id,
            "run_id": self.run_id,
            "status": "preview",
            "evaluation": {**self.figures, "returns": returns, "pnl": self.account.block},
            "validation": {},
            "summary": None,
        }
        return {
            "snapshot_id": f"{NOBODY}-{self.strategy_id}-{self.run_id}",
            "world_id": NOBODY,
            "strategy_id": self.strategy_id,
            "run_id": self.run_id,
            "created_at": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
            "metrics": metrics,
            "series_heads": self.account.heads(self.record.returns),
            "meta": {"pnl_source": "simulated_from_returns", "auto_returns": self.record.is_auto, "tags": []},
            "storage_refs": {"full_returns_series": None, "full_pnl_series": None},
        }

    def save(self, path: str | Path | bool = True) -> Path:
        """Write the snapshot. SnapshotError where that is not possible."""
        return write_snapshot(self.snapshot(), path)

    def kept(self, path: str | Path | bool) -> OfflineResult:
        """Itself with its snapshot written, or with what kept it from that: the preview is not lost with it."""
        try:
            return replace(self, snapshot_path=str(self.save(path)))
        except SnapshotError as error:
            return replace(
                self, snapshot_error=f"{error}. The preview itself stands; save it to another path"
            )

    def shown(self) -> list[tuple[str, str]]:
        returns = self.figures["returns"]
        names = ("sample_count", "total_return", "cagr", "volatility", "sharpe", "max_drawdown")
        rows = [(name, number(returns.get(name))) for name in names]
        if self.record.trades is not None:
            rows.append(("trades", number(self.record.trades)))
        return rows

    def explain(self) -> str:
        lines = [f"{self.strategy_id}, a preview: nobody judged it, and nothing trades.", ""]
        lines += [f"  {name:<14} {value:>12}" for name, value in self.shown()]
        if self.snapshot_error:
            lines += ["", f"Snapshot: {self.snapshot_error}."]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return html.page(
            html.headline(
                f"{self.strategy_id}: nobody judged it, and nothing trades.", "preview", NOT_JUDGED
            ),
            html.paragraph(self.snapshot_error and f"Snapshot: {self.snapshot_error}."),
            html.table(self.shown()),
        )


def preview(
    strategy_id: str,
    run_id: str,
    record: Record,
    *,
    periods_per_year: float,
    risk_free_rate: float,
    starting_capital: float,
    reference_currency: str,
) -> OfflineResult:
    account = simulate_long_account_from_returns(
        record.returns, starting_capital=starting_capital, reference_currency=reference_currency
    )
    terms = {"periods_per_year": periods_per_year, "risk_free_rate": risk_free_rate}
    figures = figures_of_returns(record.returns, **terms)
    return OfflineResult(
        strategy_id, run_id, record, account, figures, missing_figures(record.returns, **terms)
    )
