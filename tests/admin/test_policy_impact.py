"""What a policy would change over stored runs, before it is published: on its page, in its dialog, in the editor."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client

from evaluation.models import EvaluationRun
from qmtl_site.blobs import store
from qmtl_site.blobs.store import BlobCorrupt
from tests.admin.conftest import Staff, browse
from tests.admin.impact import NOBODY_PASSES, TEXT, draft, url
from tests.api import POLICY, ApiClient, results
from worlds.models import PolicyVersion

pytestmark = pytest.mark.django_db

BAD = "version: 1\nselection: {<script>alert(1)</script>: sharpe}\n"


# --- over stored runs -------------------------------------------------------------------------------------
def test_runs_that_change_are_listed_with_verdict_stage_and_reason(
    boss: Client, root: ApiClient, alpha: str
) -> None:
    page = boss.get(url(draft(root, NOBODY_PASSES).version))
    runs = page.context["shown"]["runs"]
    assert (runs["count"], runs["ratio"]) == (2, "50.00 %")
    assert runs["moves"] == [{"old": "pass", "new": "fail", "runs": 1}]
    first, *_ = runs["changes"]
    assert (first["strategy_id"], first["old"]["verdict"], first["new"]["verdict"]) == (
        "good",
        "pass",
        "fail",
    )
    key = EvaluationRun.objects.get(strategy_id="good").pk
    text = page.content.decode()
    assert f'href="/admin/evaluation/evaluationrun/{key}/change/"' in text
    assert "performance.sharpe_min" in text
    assert "backtest only" in text


@pytest.mark.parametrize(("days", "count"), [(30, 1), (200, 2)])
def test_the_number_of_days_is_one_s_choice(boss: Client, root: ApiClient, days: int, count: int) -> None:
    root.make_world("alpha")
    root.make_strategy("good")
    with time_machine.travel(datetime.now(UTC) - timedelta(days=120)):
        root.submit("alpha", "good", results(), run_id="old")
        root.evaluate("alpha")
    root.submit("alpha", "good", results(), run_id="new")
    root.evaluate("alpha")
    page = boss.get(url(draft(root, NOBODY_PASSES).version, days=days))
    assert page.context["shown"]["runs"]["count"] == count
    assert f'value="{days}"' in page.content.decode()


@pytest.mark.parametrize("days", ["0", "-1", "x", "3651", "9" * 30, "1.5", "%00", "%3Cb%3E"])
def test_days_that_cannot_be_are_explained(boss: Client, root: ApiClient, alpha: str, days: str) -> None:
    page = boss.get(url(1, days=days))
    assert page.status_code == 200
    assert page.context["problem"] == "The days are a whole number from 1 to 3650."
    assert 'name="days"' in page.content.decode()
    assert b"<b>&lt;" not in page.content


# --- worlds in which there is little to tell --------------------------------------------------------------
def test_without_an_active_policy_that_is_said(boss: Client, root: ApiClient) -> None:
    root.make_world("alpha", policy=None)
    page = boss.get(url(draft(root, POLICY).version)).content.decode()
    assert "No policy is active" in page
    assert "No strategy of this world is in dry run or live" in page
    assert "No run of this world was judged in that time." in page


def test_a_retired_world_is_explained(boss: Client, root: ApiClient, alpha: str) -> None:
    policy = draft(root, NOBODY_PASSES)
    root.delete("/worlds/alpha?reason=done")
    page = boss.get(url(policy.version))
    assert page.context["problem"] == "alpha is retired: nothing is published in it any more."
    assert "alpha is retired" in boss.post(TEXT, {"source": "version: 1"}).context["problem"]
    assert boss.get(f"/admin/worlds/policyversion/{policy.pk}/change/").status_code == 200


def test_a_lost_benchmark_is_explained(
    boss: Client, root: ApiClient, alpha: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(names: Any) -> Any:
        raise BlobCorrupt("the blob abc is gone")

    version = draft(root, NOBODY_PASSES).version
    monkeypatch.setattr(store, "get_many", lost)
    page = boss.get(url(version))
    assert page.status_code == 200
    assert "the blob abc is gone" in page.context["problem"]


@pytest.mark.parametrize("version", ["9", "999999999999999999999", "x", "-1"])
def test_a_version_that_is_not_there_is_not_found(boss: Client, alpha: str, version: str) -> None:
    assert boss.get(f"{TEXT}{version}/").status_code in {302, 404}


# --- who may ask ------------------------------------------------------------------------------------------
@pytest.mark.parametrize("role", ["viewer", "submitter", "operator", "risk", "owner"])
def test_whoever_reads_the_world_may_ask_about_a_version(staff: Staff, alpha: str, role: str) -> None:
    assert staff("ann", roles=[role]).get(url(1)).status_code == 200


def test_another_world_is_not_there(staff: Staff, root: ApiClient, alpha: str) -> None:
    root.make_world("other")
    client = staff("ann", world="other", roles=["owner"])
    assert client.get(url(1)).status_code == 403
    assert client.post(TEXT, {"source": "version: 1"}).status_code == 403
    assert Client().get(url(1)).status_code == 302


@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("risk", 403), ("owner", 200)])
def test_who_writes_policies_may_ask_about_a_text(
    staff: Staff, alpha: str, role: str, status: int
) -> None:  # fmt: skip
    assert staff("ann", roles=[role]).post(TEXT, {"source": "version: 1"}).status_code == status


def test_a_text_is_asked_about_with_post_and_csrf(boss: Client, superuser: User, alpha: str) -> None:
    assert boss.get(TEXT).status_code == 403
    careful = browse(superuser, enforce_csrf_checks=True)
    assert careful.post(TEXT, {"source": "version: 1"}).status_code == 403


# --- a text that is not kept ------------------------------------------------------------------------------
def test_a_text_with_faults_has_none_and_is_escaped(boss: Client, alpha: str) -> None:
    page = boss.post(TEXT, {"source": BAD}).content.decode()
    assert "line 2:" in page
    assert "selection.&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert(1)" not in page


# --- where it is shown ------------------------------------------------------------------------------------
def policy_page(client: Client, policy: PolicyVersion, page: str = "change") -> str:
    return client.get(f"/admin/worlds/policyversion/{policy.pk}/{page}/").content.decode()


def test_a_draft_s_page_asks_for_it_and_the_active_one_s_does_not(
    boss: Client, root: ApiClient, alpha: str
) -> None:
    page = policy_page(boss, draft(root, NOBODY_PASSES))
    assert f'hx-get="{TEXT}2/"' in page
    assert f'href="{TEXT}2/"' in page  # without scripts
    assert "/impact/" not in policy_page(boss, PolicyVersion.objects.get(version=1))


def test_the_publish_dialog_asks_for_the_summary_and_links_to_the_whole(
    boss: Client, root: ApiClient, alpha: str
) -> None:
    page = policy_page(boss, draft(root, NOBODY_PASSES), "publish")
    assert 'hx-select=".q-impact-summary"' in page
    assert f'href="{TEXT}2/"' in page
    assert page.index("q-impact-summary") < page.index('name="reason"')


def test_the_editor_offers_it_for_the_text(boss: Client, alpha: str) -> None:
    page = boss.get("/admin/worlds/policyversion/add/?world=alpha").content.decode()
    assert f'formaction="{TEXT}"' in page
