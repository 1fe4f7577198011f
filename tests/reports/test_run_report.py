"""The validation report of a run: what is stored of it, as one document, for whoever has a role in the world."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from django.utils import timezone

from evaluation.models import EvaluationRun, RunRevision
from tests.api import ApiClient, body, results, returns
from tests.problem import pointer, refusal
from tests.reports.conftest import RUN
from tests.statements import counted_statements


def report_of(client: ApiClient, path: str = RUN) -> dict[str, Any]:
    answer = client.get(f"{path}/report")
    assert answer.status_code == 200, answer.content
    document: dict[str, Any] = body(answer)
    return document


def revise(kind: str, document: dict[str, Any], revision: int = 1) -> None:
    run = EvaluationRun.objects.get(run_id="r1")
    RunRevision(
        run=run,
        revision=revision,
        kind=kind,
        author="risk",
        document=orjson.dumps(document).decode(),
        created_at=timezone.now(),
    ).save()


# --- what stands in it ------------------------------------------------------------------------------------------
def test_it_says_who_judged_what_and_by_which_rules(judged: ApiClient) -> None:
    report = report_of(judged)
    metrics = body(judged.get(f"{RUN}/metrics"))
    assert report["verdict"]["status"] == metrics["summary"]["status"] == "pass"
    assert report["policy"] == {
        "version": 1,
        "profile": "backtest",
        "ruleset_hash": metrics["validation"]["ruleset_hash"],
        "checksum": body(judged.get("/worlds/alpha/policies/1"))["checksum"],
        "state": "active",
    }
    assert report["run"]["submitted_by"] == "root"
    assert report["strategy"]["model_card"] == {"thesis": "winners go on"}
    assert report["metrics"]["returns"] == metrics["evaluation"]["returns"]


def test_each_rule_has_its_figures_bounds_and_margins(judged: ApiClient) -> None:
    performance = next(rule for rule in report_of(judged)["rules"] if rule["rule"] == "performance")
    sharpe = performance["checks"][0]
    assert (sharpe["metric"], sharpe["op"], sharpe["bound"]) == ("returns.sharpe", ">=", 0.5)
    assert sharpe["margin"] == pytest.approx(sharpe["value"] - 0.5)
    assert (performance["severity"], performance["reason_code"]) == ("blocking", "performance.ok")


def test_its_evidence_is_what_the_service_serves(judged: ApiClient) -> None:
    evidence = report_of(judged)["evidence"]
    snapshot, metrics = judged.get(evidence["snapshot"]["link"]), judged.get(evidence["metrics"]["link"])
    assert snapshot["ETag"] == f'"{evidence["snapshot"]["sha256"]}"'
    assert metrics["ETag"] == f'"{evidence["metrics"]["sha256"]}"'
    assert judged.get(evidence["series"]["returns"]["link"]).status_code == 200
    assert evidence["input"]["returns"] is not None


def test_a_failing_run_says_by_what_it_fails(root: ApiClient) -> None:
    root.make_world()
    root.make_strategy()
    root.submit("alpha", "mom", results(returns(mean=-0.0005)))
    root.evaluate("alpha")
    verdict = report_of(root)["verdict"]
    assert (verdict["status"], verdict["headline"]) == ("fail", "The run fails: performance.")
    assert verdict["violations"][0]["margin"] < 0


def test_every_missing_metric_is_a_limit_with_its_reason(judged: ApiClient) -> None:
    missing = body(judged.get(f"{RUN}/metrics"))["evaluation"]["diagnostics"]["validation_health"]["missing"]
    told = {limit["subject"]: limit["words"] for limit in report_of(judged)["limits"]}
    assert missing.items() <= told.items()
    assert told["code"] == "nothing says which code the record came from"
    assert "data" not in told  # the run said which


@pytest.mark.parametrize(
    ("posted", "kind", "subject"),
    [
        ({"metrics": {"returns": {"sharpe": 1.0, "max_drawdown": -0.1}}}, "client_metrics", "returns"),
        ({**results(), "metrics": {"returns": {"sharpe": 9.0}}}, "divergence", "returns.sharpe"),
    ],
)
def test_figures_of_the_client_are_a_limit(
    root: ApiClient, posted: dict[str, Any], kind: str, subject: str
) -> None:
    root.make_world()
    root.make_strategy()
    root.submit("alpha", "mom", posted)
    root.evaluate("alpha")
    assert (kind, subject) in {(limit["kind"], limit["subject"]) for limit in report_of(root)["limits"]}


def test_a_world_without_a_policy_judged_nothing(root: ApiClient) -> None:
    root.make_world(policy=None)
    root.make_strategy()
    root.submit("alpha", "mom", results())
    root.evaluate("alpha")
    report = report_of(root)
    assert (report["verdict"]["status"], report["policy"]["version"]) == ("inconclusive", None)
    assert report["limits"][0] == {
        "kind": "not_judged",
        "subject": "policy",
        "words": "the world has no active policy",
    }


def test_an_error_of_the_author_is_told(root: ApiClient) -> None:
    root.make_world()
    root.make_strategy()
    failed = {"error": {"kind": "node", "node": "weights", "message": "ValueError: no <b>bars</b>"}}
    root.submit("alpha", "mom", failed)
    root.evaluate("alpha")
    report = report_of(root)
    assert (report["verdict"]["status"], report["error"]["node"]) == ("fail", "weights")
    assert report["limits"][0]["kind"] == "not_judged"
    page = root.get(f"{RUN}/report?format=html").content.decode()
    assert "Error of the strategy" in page
    assert "<b>" not in page


def test_a_rule_in_shadow_is_a_limit(root: ApiClient) -> None:
    shadow = {"performance": {"sharpe_min": 9.0, "mode": "shadow"}}
    root.make_world(policy={"version": 1, "validation_profiles": {"backtest": shadow}})
    root.make_strategy()
    root.submit("alpha", "mom", results())
    root.evaluate("alpha")
    first = report_of(root)["limits"][0]
    assert (first["kind"], first["words"]) == ("shadow_rule", "in shadow: its result (fail) decides nothing")


def test_a_later_model_card_is_not_taken_for_that_of_the_run(judged: ApiClient) -> None:
    assert judged.patch("/strategies/mom", {"model_card": {"thesis": "other"}}).status_code == 200
    kinds = {limit["kind"] for limit in report_of(judged)["limits"]}
    is_new_version = report_of(judged)["strategy"]["version"] > 1
    assert ("newer_model_card" in kinds) is is_new_version


def test_what_became_known_later_is_in_it_and_overrides_stand_out(judged: ApiClient) -> None:
    revise("override", {"reason": "a known data fault"})
    revise("extended", {"note": "2020 alone"}, revision=2)
    report = report_of(judged)
    assert [row["kind"] for row in report["revisions"]] == ["override", "extended"]
    assert report["overrides"] == report["revisions"][:1]
    assert "a known data fault" in judged.get(f"{RUN}/report?format=md").content.decode()


def test_the_same_run_gives_the_same_report(judged: ApiClient) -> None:
    assert judged.get(f"{RUN}/report").content == judged.get(f"{RUN}/report").content


def test_the_latest_run_is_found_by_stage(judged: ApiClient) -> None:
    judged.submit("alpha", "mom", results(returns(seed=2)), run_id="r2")
    judged.evaluate("alpha")
    latest = RUN.replace("r1", "latest")
    assert report_of(judged, latest)["run_id"] == "r2"
    assert refusal(judged.get(f"{latest}/report?stage=live")) == (404, "E_NOT_FOUND")


# --- refusals and forms -----------------------------------------------------------------------------------------
def test_there_is_none_before_the_verdict(judged: ApiClient) -> None:
    judged.post("/worlds/alpha/strategies/mom/runs", {"run_id": "open"})
    answer = judged.get(f"{RUN.replace('r1', 'open')}/report")
    assert refusal(answer) == (409, "E_RUN_NOT_EVALUATED")


@pytest.mark.parametrize("path", [RUN.replace("r1", "r9"), RUN.replace("mom", "nobody")])
def test_there_is_none_of_what_is_not_there(judged: ApiClient, path: str) -> None:
    assert refusal(judged.get(f"{path}/report")) == (404, "E_NOT_FOUND")


@pytest.mark.parametrize("query", ["format=pdf", "format=", "format=JSON", "stage=nope"])
def test_an_unknown_form_is_refused_with_its_name(judged: ApiClient, query: str) -> None:
    answer = judged.get(f"{RUN}/report?{query}")
    name = query.partition("=")[0]
    assert (refusal(answer), pointer(answer)) == ((422, "E_VALIDATION"), f"?{name}")


@pytest.mark.parametrize(
    ("accept", "query", "media"),
    [
        ("", "", "application/json"),
        ("*/*", "", "application/json"),
        ("image/png", "", "application/json"),
        ("text/markdown", "", "text/markdown; charset=utf-8"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "", "text/html; charset=utf-8"),
        ("text/html;q=0.5, text/markdown", "", "text/markdown; charset=utf-8"),
        ("text/html", "?format=json", "application/json"),
        ("application/json", "?format=html", "text/html; charset=utf-8"),
        ("nonsense;;q=x", "", "application/json"),
    ],
)
def test_it_comes_as_the_reader_prefers(judged: ApiClient, accept: str, query: str, media: str) -> None:
    answer = judged.get(f"{RUN}/report{query}", **({"accept": accept} if accept else {}))
    assert (answer.status_code, answer["Content-Type"]) == (200, media)
    assert "Accept" in answer["Vary"]


def test_a_page_can_do_nothing_but_be_read(judged: ApiClient) -> None:
    judged.patch("/strategies/mom", {"model_card": {"<script>x</script>": "<img src=x onerror=y>"}})
    answer = judged.get(f"{RUN}/report?format=html")
    text = answer.content.decode()
    assert answer["Content-Security-Policy"].startswith("default-src 'none'")
    assert "<script" not in text
    assert "<img" not in text
    assert "&lt;script&gt;" in text


def test_it_takes_a_constant_number_of_statements(judged: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    report_of(judged)
    for number in range(1, 8):
        revise("extended", {"number": number}, revision=number)
    seen = counted_statements(monkeypatch)
    assert len(report_of(judged)["revisions"]) == 7
    assert len(seen) <= 5, seen  # who asks and may; the run; the policy's version; the revisions
