"""Every page answers, shows what it is for, and reads the database a constant number of times."""

from __future__ import annotations

import re

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from evaluation.models import EvaluationRun
from qmtl_site.blobs import store
from strategies.models import Binding
from tests.api import ApiClient, results
from worlds.models import PolicyVersion

pytestmark = pytest.mark.django_db

LISTS = sorted(
    reverse(f"admin:{m._meta.app_label}_{m._meta.model_name}_changelist") for m in admin.site._registry
)


def run_url(strategy: str, page: str = "change/") -> str:
    return f"/admin/evaluation/evaluationrun/{EvaluationRun.objects.get(strategy_id=strategy).pk}/{page}"


@pytest.mark.parametrize("path", LISTS)
def test_each_list_answers(boss: Client, alpha: str, path: str) -> None:
    assert boss.get(path).status_code == 200


def pages(world: str) -> list[str]:
    return [
        "/admin/",
        f"/admin/worlds/world/{world}/change/",
        f"/admin/worlds/world/{world}/settings/",
        f"/admin/worlds/world/{world}/change-state/".replace("change-state", "change_state"),
        "/admin/worlds/world/add/",
        "/admin/worlds/policyversion/add/",
        f"/admin/worlds/policyversion/add/?world={world}",
        f"/admin/worlds/policyversion/{PolicyVersion.objects.get().pk}/change/",
        "/admin/strategies/strategy/good/change/",
        f"/admin/strategies/binding/{Binding.objects.get(strategy_id='good').pk}/change/",
        run_url("good"),
        "/admin/accounts/worldrole/add/",
        f"/admin/audit/auditentry/verify/?stream={world}",
    ]


def test_each_page_answers_with_few_queries(boss: Client, alpha: str) -> None:
    for path in pages(alpha):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert boss.get(path).status_code == 200, path
        assert len(queries) <= 24, (path, len(queries))


@pytest.mark.parametrize(
    "path",
    [
        "/admin/",
        "/admin/worlds/world/alpha/change/",
        "/admin/strategies/binding/",
        "/admin/evaluation/evaluationrun/",
        "/admin/audit/auditentry/",
        "/admin/outbox/outboxevent/",
    ],
)
def test_more_rows_cost_no_more_queries(boss: Client, root: ApiClient, alpha: str, path: str) -> None:
    with CaptureQueriesContext(connection) as few:
        boss.get(path)
    for n in range(3):
        root.make_strategy(f"more{n}")
        root.submit("alpha", f"more{n}", results())
    root.evaluate("alpha")
    with CaptureQueriesContext(connection) as many:
        boss.get(path)
    assert len(many) <= len(few)


def test_lists_of_what_grows_never_count(boss: Client, alpha: str) -> None:
    for path in ("evaluation/evaluationrun", "audit/auditentry", "outbox/outboxevent"):
        with CaptureQueriesContext(connection) as queries:
            boss.get(f"/admin/{path}/")
        assert not [q for q in queries.captured_queries if "COUNT(" in q["sql"]]


def test_the_overview_counts_by_state_and_lists_the_newest_runs(boss: Client, alpha: str) -> None:
    page = boss.get("/admin/")
    worlds, bindings, _gates, runs = page.context["cards"]
    assert ("ACTIVE", 1) in [(state, count) for state, count, _ in worlds.counts]
    assert {state: count for state, count, _ in bindings.counts if count} == {"dry_run": 1, "rejected": 1}
    assert runs.total == 2
    assert {run.strategy_id for run in page.context["runs"]} == {"good", "bad"}


def test_the_overview_says_what_needs_attention(boss: Client, root: ApiClient, alpha: str) -> None:
    root.make_world("bare", policy=None)
    root.post("/worlds/alpha/circuit-breaker", {"engaged": True, "reason": "outage"})
    root.submit("alpha", "good", results(), run_id="waiting")
    titles = [concern.title for concern in boss.get("/admin/").context["concerns"]]
    assert titles == [
        "Circuit breaker engaged",
        "Runs wait for judgement",
        "Worlds without an active policy",
    ]


def test_a_run_shows_figures_with_bounds_rules_and_the_chart(boss: Client, alpha: str) -> None:
    page = boss.get(run_url("bad")).content.decode()
    assert "<svg" in page
    assert 'class="q-benchmark"' in page
    assert "✗ ≥ 0.50" in page  # the Sharpe, against the policy's bound
    assert "misses sharpe_min 0.5 by" in page  # the rule's own words
    assert "not given" in page  # a missing metric with its reason


def test_a_run_without_results_says_so(boss: Client, root: ApiClient, alpha: str) -> None:
    root.make_strategy("idle")
    root.post("/worlds/alpha/strategies/idle/runs", {"run_id": "r1"})
    page = boss.get(run_url("idle")).content.decode()
    assert "has no verdict yet" in page


def test_documents_are_the_stored_bytes(boss: Client, root: ApiClient, alpha: str) -> None:
    served = root.get("/worlds/alpha/strategies/good/runs/r1/metrics")
    page = boss.get(run_url("good", "metrics.json"))
    assert page.content == served.content
    assert page["ETag"] == served["ETag"]
    assert boss.get(run_url("good", "snapshot.json")).status_code == 200
    assert boss.get(run_url("good", "returns.parquet")).content.startswith(b"PAR1")
    assert boss.get(run_url("good", "else.parquet")).status_code == 404


@pytest.mark.parametrize("query", ["world=alpha", "stage=paper", "status=rejected", "verdict=fail", "q=goo"])
def test_runs_are_filtered(boss: Client, alpha: str, query: str) -> None:
    found = boss.get(f"/admin/evaluation/evaluationrun/?{query}").context["cl"].queryset
    expected = {"world=alpha": {"good", "bad"}, "stage=paper": set(), "q=goo": {"good"}}
    assert {run.strategy_id for run in found} == expected.get(query, {"bad"})


def test_a_world_whose_id_looks_quoted_is_found(boss: Client, root: ApiClient) -> None:
    root.make_world("a_ab.c")
    assert boss.get("/admin/worlds/world/a_ab.c/change/").status_code == 200
    assert boss.get("/admin/worlds/world/a_5Fab.c/change/").status_code == 200


def test_an_intact_chain_is_told_so(boss: Client, alpha: str) -> None:
    assert "intact" in boss.get("/admin/audit/auditentry/verify/?stream=alpha").content.decode()


def test_login_leads_to_the_overview(client: Client, boss: Client) -> None:
    page = client.get("/admin/login/")
    assert b'name="next" value="/admin/"' in page.content


def test_pages_open_though_a_series_is_lost(
    boss: Client, root: ApiClient, alpha: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose(names: object) -> None:
        raise store.BlobCorrupt("blob abc is not in the blob store")

    monkeypatch.setattr(store, "get_many", lose)
    for path in ("/admin/worlds/world/alpha/change/", run_url("good")):
        assert "is not in the blob store" in boss.get(path).content.decode()
    assert boss.get(run_url("good", "pnl.parquet")).status_code == 503


def test_a_run_tells_the_trials_counted_and_those_that_deflate(
    boss: Client, root: ApiClient, alpha: str
) -> None:
    root.make_strategy("mined")
    root.submit("alpha", "mined", results(meta={"search_intensity": 500}))
    root.evaluate("alpha")
    lines = dict(boss.get(run_url("mined")).context["diagnostics"])
    assert lines["Trials that deflate the Sharpe"] == "500"
    assert lines["Trials counted"] != "500"


@pytest.mark.parametrize(
    ("path", "crumbs"),
    [
        ("/admin/worlds/world/alpha/change/", ["Worlds", "alpha"]),
        ("/admin/strategies/strategy/", ["Strategies"]),
        ("/admin/strategies/binding/", ["Strategies", "Bindings"]),
    ],
)
def test_breadcrumbs_say_a_word_once(boss: Client, alpha: str, path: str, crumbs: list[str]) -> None:
    page = boss.get(path).content.decode()
    assert re.findall(r'<(?:a|span)[^>]*class="q-crumb [^>]*>([^<]*)<', page) == crumbs


def test_two_rule_sets_carry_two_names(boss: Client, alpha: str) -> None:
    assert "Rule set (with profile backtest)" in boss.get(run_url("good")).content.decode()
    policy = PolicyVersion.objects.get().pk
    page = boss.get(f"/admin/worlds/policyversion/{policy}/change/").content.decode()
    assert "Rule set (whole policy)" in page


def test_a_run_without_a_profile_carries_the_policys_own_figure(
    boss: Client, root: ApiClient, alpha: str
) -> None:
    root.submit("alpha", "good", results(), run_id="later", stage="paper")
    root.evaluate("alpha")
    run = EvaluationRun.objects.get(run_id="later")
    assert run.result.ruleset_hash == PolicyVersion.objects.get().text.ruleset_hash
    page = boss.get(f"/admin/evaluation/evaluationrun/{run.pk}/change/").content.decode()
    assert "Rule set (whole policy)" in page
