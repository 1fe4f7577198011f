"""As many statements for many positions as for few."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api import ApiClient
from tests.rebalancing.conftest import asked, position
from tests.statements import counted_statements


def plan(client: ApiClient, run_id: str, symbols: int) -> dict[str, Any]:
    rows = [
        position(world, strategy, f"S{number}", 10 + number, 100)
        for world, strategy in (("alpha", "mom"), ("alpha", "rev"), ("beta", "carry"))
        for number in range(symbols)
    ]
    return asked(run_id=run_id, positions=rows, schema_version=2)


@pytest.mark.parametrize("path", ["/rebalancing/apply", "/rebalancing/execute"])
def test_statements_do_not_grow_with_positions(
    desk: ApiClient, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    counts = []
    for run_id, symbols in (("few", 1), ("many", 30)):
        body = plan(desk, run_id, symbols)
        if path.endswith("execute"):
            assert desk.post("/rebalancing/apply", body).status_code == 201
            body = {"run_id": run_id}
        with monkeypatch.context() as patch:
            seen = counted_statements(patch)
            assert desk.post(path, body).status_code in {200, 201}
            counts.append(len(seen))
    # The first execution inserts allocations, the second one finds them: one statement each.
    assert counts[1] <= counts[0]


def test_a_plan_reads_nothing_but_who_asks(desk: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = counted_statements(monkeypatch)
    assert desk.post("/rebalancing/plan", asked()).status_code == 200
    assert len(seen) == 1


def test_figures_of_all_strategies_are_one_statement(
    desk: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = counted_statements(monkeypatch)
    assert desk.post("/rebalancing/plan", asked(schema_version=2)).status_code == 200
    assert len(seen) == 2
