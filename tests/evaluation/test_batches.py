"""Many runs at once: the same as one by one, none harms another, and no query a run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from evaluation.domain.rules.performance import Performance
from evaluation.models import EvaluationRun, RunInput
from evaluation.services import evaluate, papers
from qmtl_site.blobs.store import path_of
from tests.api import ApiClient, body, results, returns

LARGE = {
    "returns": {"values": returns(60_000), "start": "2020-01-01", "interval": "1h"},
    "trades": {"count": 60},
}


def strategies(client: ApiClient, count: int, *, own_family: bool = True) -> Iterator[str]:
    """Strategies each of a family of its own (or all of one), so that none counts the others' trials."""
    for number in range(count):
        yield client.make_strategy(f"s{number}", family=f"f{number}" if own_family else "one")


def metrics(client: ApiClient, strategy: str, run_id: str = "r1", world: str = "alpha") -> dict[str, Any]:
    found: dict[str, Any] = body(client.get(f"/worlds/{world}/strategies/{strategy}/runs/{run_id}/metrics"))
    return found


def without_identity(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in {"world_id", "run_id"}}


def test_fifty_runs_at_once_are_the_same_as_one_by_one(ready: ApiClient) -> None:
    ready.make_world("beta")
    lengths = {name: 20 + 37 * number for number, name in enumerate(strategies(ready, 50))}
    for world in ("alpha", "beta"):
        for seed, (name, length) in enumerate(lengths.items()):
            ready.submit(world, name, results(returns(length, seed=seed)))
            if world == "beta":
                assert ready.evaluate(world) == 1
    assert ready.evaluate("alpha") == 50
    for name in lengths:
        together, alone = metrics(ready, name), metrics(ready, name, world="beta")
        assert approximately(without_identity(together), without_identity(alone)), name


def approximately(one: Any, other: Any) -> bool:
    """Equal, floats to 1e-9: a sum over a padded row may differ in its last digit."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(approximately(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(approximately, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return one == pytest.approx(other, rel=1e-9, abs=1e-12)
    if isinstance(one, str) and isinstance(other, str) and one[:8] == other[:8]:
        return True  # reasons in words hold rounded figures
    return bool(one == other)


@pytest.mark.parametrize("own_family", [True, False], ids=["families of one", "one family"])
def test_a_batch_of_25_takes_the_queries_of_a_batch_of_5(ready: ApiClient, *, own_family: bool) -> None:
    names = list(strategies(ready, 30, own_family=own_family))
    ready.submit("alpha", "mom", results())
    ready.evaluate("alpha")  # the first freezes the world's figures
    counts = []
    for batch in (names[:5], names[5:]):
        for seed, name in enumerate(batch):
            ready.submit("alpha", name, results(returns(300, seed=seed + len(batch))))
        with CaptureQueriesContext(connection) as captured:
            assert ready.evaluate("alpha") == len(batch)
            counts.append(len(captured))
    assert counts[0] == counts[1]


@pytest.fixture
def lost_file() -> Any:
    """Take the stored series of a run away from the blob folder (a large one lives there)."""

    def lose(*, alter: bool = False) -> None:
        sha256 = RunInput.objects.get(run__run_id="large").returns_id
        assert sha256 is not None
        path = Path(urlsplit(settings.BLOB_URL).path) / path_of(sha256)
        path.write_bytes(b"something else") if alter else path.unlink()

    return lose


@pytest.mark.parametrize("alter", [False, True], ids=["lost", "altered"])
def test_a_run_whose_series_is_gone_fails_alone(ready: ApiClient, lost_file: Any, *, alter: bool) -> None:
    one, other = strategies(ready, 2)
    ready.submit("alpha", one, LARGE, run_id="large")
    ready.submit("alpha", other, results())
    lost_file(alter=alter)
    assert ready.evaluate("alpha") == 2
    failed = metrics(ready, one, "large")
    assert failed["summary"]["status"] == "fail"
    assert "blob" in failed["validation"]["results"]["evaluation"]["reason"]
    assert EvaluationRun.objects.get(run_id="large").status == "rejected"
    assert metrics(ready, other)["summary"]["status"] == "pass"


def test_a_series_that_is_gone_is_an_unavailable_file(ready: ApiClient, lost_file: Any) -> None:
    ready.submit("alpha", "mom", LARGE, run_id="large")
    ready.evaluate("alpha")
    refs = body(ready.get("/worlds/alpha/snapshots/alpha-mom-large"))["storage_refs"]
    name = refs["sha256"]["full_returns_series"]
    (Path(urlsplit(settings.BLOB_URL).path) / path_of(name)).unlink()
    answer = ready.get(refs["full_returns_series"])
    assert (answer.status_code, body(answer)["code"]) == (503, "E_UNAVAILABLE")


@pytest.mark.parametrize(
    ("module", "name"), [(evaluate, "judge_run"), (papers, "storage_refs"), (papers, "metrics_document")]
)
def test_an_exception_while_evaluating_fails_that_run_alone(
    ready: ApiClient, monkeypatch: pytest.MonkeyPatch, module: Any, name: str
) -> None:
    genuine = getattr(module, name)
    broken: list[Any] = []

    def breaks_for_one(*args: Any, **kwargs: Any) -> Any:
        record = kwargs.get("record") or next(a for a in args if hasattr(a, "returns"))
        if record.returns is not None and record.returns.size == 77:
            broken.append(name)
            raise ZeroDivisionError("of one run")
        return genuine(*args, **kwargs)

    monkeypatch.setattr(module, name, breaks_for_one)
    one, other = strategies(ready, 2)
    ready.submit("alpha", one, results(returns(77)))
    ready.submit("alpha", other, results())
    assert ready.evaluate("alpha") == 2
    assert broken
    failed = metrics(ready, one)
    assert failed["validation"]["results"]["evaluation"]["reason"] == "ZeroDivisionError: of one run"
    assert failed["evaluation"]["diagnostics"]["validation_health"]["validation_error_count"] == 1
    assert body(ready.get(f"/worlds/alpha/strategies/{one}/runs/r1"))["status"] == "rejected"
    assert metrics(ready, other)["summary"]["status"] == "pass"


def test_a_failed_evaluation_leaves_a_snapshot_and_rejects_the_binding(
    ready: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluate, "judge_run", lambda *args: 1 / 0)
    ready.submit("alpha", "mom", results())
    ready.evaluate("alpha")
    assert body(ready.get("/worlds/alpha/snapshots/alpha-mom-r1"))["metrics"]["summary"]["status"] == "fail"
    (binding,) = body(ready.get("/worlds/alpha/bindings"))["items"]
    assert binding["state"] == "rejected"


def test_more_runs_than_a_batch_holds_are_all_judged(
    ready: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluate, "BATCH", 3)
    for number in range(8):
        ready.submit("alpha", "mom", results(returns(60, seed=number)), run_id=f"r{number}")
    assert ready.evaluate("alpha") == 8
    assert ready.evaluate("alpha") == 0


def test_of_two_runs_in_a_batch_the_older_is_superseded(ready: ApiClient) -> None:
    for number in (1, 2):
        ready.submit("alpha", "mom", results(returns(seed=number)), run_id=f"r{number}")
    assert ready.evaluate("alpha") == 2
    statuses = dict(EvaluationRun.objects.values_list("run_id", "status"))
    assert statuses == {"r1": "expired", "r2": "evaluated"}


def test_each_judged_run_has_its_audit_entries_and_events(ready: ApiClient) -> None:
    ready.submit("alpha", "mom", results(returns(mean=-0.001)))
    ready.evaluate("alpha")
    rows = body(ready.get("/worlds/alpha/audit?object_id=alpha/mom/r1"))["items"]
    assert [row["action"] for row in rows] == ["run.reject", "run.finish", "run.results", "run.create"]
    events = body(ready.get("/worlds/alpha/events"))["events"]
    moves = [e["data"]["status"] for e in events if e.get("subject") == "mom/r1"]
    assert moves == ["submitted", "evaluating", "evaluated", "rejected"]


def test_a_broken_rule_of_one_run_does_not_touch_the_others(
    ready: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    genuine = Performance.judge

    def broken(self: Performance, case: Any, **kwargs: Any) -> Any:
        if case.figures["returns.sample_count"] == 77:
            raise ZeroDivisionError("in the rule")
        return genuine(self, case, **kwargs)

    monkeypatch.setattr(Performance, "judge", broken)
    one, other = strategies(ready, 2)
    ready.submit("alpha", one, results(returns(77)))
    ready.submit("alpha", other, results())
    ready.evaluate("alpha")
    assert metrics(ready, one)["summary"]["status"] == "fail"
    assert metrics(ready, other)["summary"]["status"] == "pass"


def test_a_cohort_with_a_lost_member_is_judged_without_the_probability(
    ready: ApiClient, lost_file: Any
) -> None:
    for name, family in (("t1", "trend"), ("t2", "trend"), ("v1", "value"), ("v2", "value")):
        ready.make_strategy(name, family=family)
    ready.submit("alpha", "t1", LARGE, run_id="large")
    ready.submit("alpha", "v1", results(returns(seed=5)))
    ready.evaluate("alpha")
    lost_file()
    for name in ("t2", "v2"):
        ready.submit("alpha", name, results())
    assert ready.evaluate("alpha") == 2
    found = {name: metrics(ready, name) for name in ("t2", "v2")}
    assert {document["summary"]["status"] for document in found.values()} == {"pass"}
    assert found["t2"]["evaluation"]["robustness"]["pbo"] is None
    assert found["v2"]["evaluation"]["robustness"]["pbo"] is not None


def test_of_two_first_backtests_that_waited_together_a_pass_decides(root: ApiClient) -> None:
    root.make_world()
    root.make_strategy()
    root.submit("alpha", "mom", results(returns(mean=-0.0002)), run_id="poor")
    root.submit("alpha", "mom", results(), run_id="good")
    root.evaluate("alpha")
    (binding,) = body(root.get("/worlds/alpha/bindings"))["items"]
    assert binding["state"] == "dry_run"
