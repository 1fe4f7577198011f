"""Reports through the clients, typed and as texts."""

from __future__ import annotations

import asyncio

import pytest

from evaluation.services import evaluate_waiting
from qmtl.client import AsyncClient, Client, Config, errors
from tests.api import POLICY, results
from tests.client.conftest import QUICK, Site


@pytest.fixture(scope="module")
def alpha(client: Client) -> str:
    """A world with a judged run and an open one; nobody is live."""
    client.create_world("alpha")
    client.publish_policy("alpha", POLICY)
    client.register_strategy("mom")
    client.create_run("alpha", "mom", run_id="r1", results=results())
    evaluate_waiting(world_id="alpha")
    client.register_strategy("waiting")
    client.create_run("alpha", "waiting", run_id="r1")
    return "alpha"


def test_a_validation_report_is_typed(client: Client, alpha: str) -> None:
    report = client.run_report(alpha, "mom")
    assert (report.run_id, report.verdict["status"]) == ("r1", "pass")
    assert [rule["rule"] for rule in report.rules] == ["sample", "performance"]
    assert report.evidence["snapshot"]["sha256"] == next(client.snapshots(alpha)).sha256
    assert report.raw["report"] == "validation"


def test_a_report_before_the_verdict_is_refused(client: Client, alpha: str) -> None:
    with pytest.raises(errors.RunNotEvaluated):
        client.run_report(alpha, "waiting", "r1")
    with pytest.raises(errors.RunNotEvaluated):
        client.run_report_text(alpha, "waiting", "r1")


def test_a_live_report_is_typed(client: Client, alpha: str) -> None:
    report = client.live_monitoring(alpha)
    assert (report.summary.status, report.bindings) == ("empty", [])
    assert report.as_of.tzinfo is not None


def test_a_report_is_a_text_too(client: Client, alpha: str) -> None:
    assert client.run_report_text(alpha, "mom").startswith("# Validation of mom, run r1\n")
    assert client.run_report_text(alpha, "mom", format="html").startswith("<!doctype html>")
    assert client.live_monitoring_text(alpha).startswith("# Live monitoring of alpha\n")


def test_both_clients_read_them(site: Site, alpha: str) -> None:
    async def ask() -> tuple[str, str]:
        async with AsyncClient(config=Config(site.url, site.token), retries=QUICK) as qmtl:
            report = await qmtl.run_report(alpha, "mom", "r1")
            return report.verdict["status"], await qmtl.live_monitoring_text(alpha)

    status, text = asyncio.run(ask())
    assert (status, text.startswith("# Live monitoring")) == ("pass", True)
