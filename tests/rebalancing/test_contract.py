"""The contract, as consumers have it: fixtures of both versions for answers and events, and three kinds of clients."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel, ConfigDict

from tests.api import ApiClient, body
from tests.rebalancing.conftest import asked, events_of

FIXTURES = Path(__file__).parent / "contract"
REQUEST = asked(
    shared_account=True, lot_size_by_symbol={"ETH": "0.5"}, rebalance_intent={"meta": {"ticket": "OPS-1"}}
)
each_version = pytest.mark.parametrize("version", [1, 2])


def fixture(name: str, version: int) -> Any:
    return orjson.loads((FIXTURES / f"{name}.v{version}.json").read_bytes())


@each_version
def test_the_answer_to_a_plan(root: ApiClient, version: int) -> None:
    assert body(root.post("/rebalancing/plan", {**REQUEST, "schema_version": version})) == fixture(
        "plan", version
    )


@each_version
def test_the_record_of_a_plan(desk: ApiClient, version: int) -> None:
    record = body(desk.post("/rebalancing/apply", {**REQUEST, "schema_version": version, "run_id": "r1"}))
    assert record.pop("created_at")
    assert record == {**fixture("plan", version), "run_id": "r1", "created_by": "root"}


@each_version
def test_the_answer_to_an_execution(desk: ApiClient, version: int) -> None:
    desk.post("/rebalancing/apply", {**REQUEST, "schema_version": version, "run_id": "r1"})
    assert body(desk.post("/rebalancing/execute", {"run_id": "r1"})) == fixture("execute", version)


@each_version
@pytest.mark.parametrize("kind", ["planned", "applied"])
def test_the_data_of_an_event(desk: ApiClient, kind: str, version: int) -> None:
    desk.post("/rebalancing/apply", {**REQUEST, "schema_version": version, "run_id": "r1"})
    desk.post("/rebalancing/execute", {"run_id": "r1"})
    (told,) = events_of(desk, "alpha", f"rebalancing.{kind}")
    assert told == fixture(f"event_{kind}", version)
    schema = body(desk.get("/schema/events"))
    wanted = schema["$defs"][f"rebalancing.{kind}"]["properties"]["data"]
    assert list(Draft202012Validator({**wanted, "$defs": schema["$defs"]}).iter_errors(told)) == []


# --- clients ----------------------------------------------------------------------------------------------
class Delta(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    symbol: str
    venue: str | None
    delta_qty: float
    notional: float


class World(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    world_id: str
    scale_world: float
    scale_by_strategy: dict[str, float]
    deltas: list[Delta]


class First(BaseModel):
    """A client that knows version 1 and takes nothing else."""

    model_config = ConfigDict(extra="forbid", strict=True)

    schema_version: int
    rebalance_schema_version: int
    alpha_metrics_capable: bool
    mode: str
    shared_account: bool
    per_world: dict[str, World]
    global_deltas: list[Delta]
    residuals: list[dict[str, Any]]
    cost_estimate: dict[str, float]
    attribution: list[dict[str, Any]] = []
    overlay_deltas: list[dict[str, Any]] = []


class Second(First):
    """... and one that knows version 2, and counts on its members."""

    alpha_metrics: dict[str, dict[str, Any]]
    rebalance_intent: dict[str, dict[str, Any]]


class Careless(BaseModel):
    """... and one that looks at the orders and ignores what it does not know."""

    model_config = ConfigDict(extra="ignore")

    per_world: dict[str, World]
    global_deltas: list[Delta]


@pytest.mark.parametrize(
    ("client", "version"), [(First, 1), (Second, 2), (Careless, 1), (Careless, 2)], ids=lambda each: str(each)
)
def test_a_client_reads_the_version_that_it_asks_for(client: type[BaseModel], version: int) -> None:
    client.model_validate(fixture("plan", version))


def test_who_asks_for_two_falls_back_to_one(root: ApiClient, settings: Any) -> None:
    settings.COMPAT_REBALANCE_V2 = False
    plan = body(root.post("/rebalancing/plan", {**REQUEST, "schema_version": 2}))
    First.model_validate(plan)
    assert plan["schema_version"] == 1
