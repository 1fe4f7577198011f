"""Promotions: approved or rejected with a reason by those who may, refused in words to others."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from evaluation.models import Promotion
from qmtl_site.audit.models import AuditEntry
from tests.admin.conftest import Staff, told
from tests.api import ApiClient

pytestmark = pytest.mark.django_db

REASON = {"_form_submitted": "True", "reason": "looked at its record"}


def good() -> Promotion:
    return Promotion.objects.get(strategy_id="good")


def url(page: str = "change") -> str:
    return f"/admin/evaluation/promotion/{good().pk}/{page}/"


@pytest.mark.parametrize(("door", "state"), [("approve", "approved"), ("reject", "rejected")])
def test_a_risk_officer_decides(staff: Staff, decided: str, door: str, state: str) -> None:
    client = staff("rita", roles=["risk"])
    assert f"{door}/" in client.get(url()).content.decode()
    page = client.post(url(door), REASON, follow=True)
    assert told(page) == [f"The promotion of good in alpha is {state}."]
    row = good()
    assert (row.state, row.reason, row.decided_by) == (
        state,
        "looked at its record",
        User.objects.get(username="rita"),
    )
    entry = AuditEntry.objects.filter(stream="alpha", action=f"promotion.{state}").latest("sequence")
    assert entry.actor == "rita"
    assert f"{door}/" not in page.content.decode()  # what is decided has no buttons
    assert "looked at its record" in page.content.decode()


@pytest.mark.parametrize("door", ["approve", "reject"])
@pytest.mark.parametrize("reason", ["", "ok"])
def test_without_a_reason_nothing_happens(staff: Staff, decided: str, door: str, reason: str) -> None:
    page = staff("rita", roles=["risk"]).post(url(door), {**REASON, "reason": reason})
    assert page.status_code == 200
    assert good().state == "pending"


def test_its_owner_is_told_that_somebody_else_must_decide(boss: Client, decided: str) -> None:
    page = boss.get(url())
    assert page.context["actions_detail"] == []
    assert "You own or submitted good: somebody else must decide (E_FOUR_EYES)" in page.content.decode()
    page = boss.post(url("approve"), REASON, follow=True)
    assert "E_FOUR_EYES" in told(page)[0]
    assert good().state == "pending"


def test_who_is_no_approver_of_the_policy_is_told_who_is(staff: Staff, decided: str) -> None:
    client = staff("olga", roles=["operator"])
    page = client.get(url())
    assert page.context["actions_detail"] == []
    assert "The policy lets approve: risk (E_FORBIDDEN)" in page.content.decode()
    assert "E_FORBIDDEN" in told(client.post(url("approve"), REASON, follow=True))[0]


@pytest.mark.parametrize("door", ["approve", "reject"])
def test_a_viewer_acts_in_vain(staff: Staff, decided: str, door: str) -> None:
    client = staff("vic", roles=["viewer"])
    assert client.get(url()).status_code == 200
    assert client.post(url(door), REASON).status_code == 403
    assert good().state == "pending"


def test_promotions_of_another_world_are_not_there(staff: Staff, root: ApiClient, decided: str) -> None:
    root.make_world("other")
    client = staff("eve", world="other", roles=["risk"])
    assert client.get(url()).status_code in {302, 403}
    assert client.post(url("approve"), REASON).status_code == 403
    assert list(client.get("/admin/evaluation/promotion/").context["cl"].queryset) == []


def test_the_world_is_looked_at_again(staff: Staff, root: ApiClient, decided: str) -> None:
    root.post("/worlds/alpha/circuit-breaker", {"engaged": True, "reason": "outage"})
    page = staff("rita", roles=["risk"]).post(url("approve"), REASON, follow=True)
    assert "E_BREAKER_ENGAGED" in told(page)[0]
    assert good().state == "pending"


def test_the_page_says_what_the_decision_said(staff: Staff, decided: str) -> None:
    page = staff("rita", roles=["risk"]).get(url())
    assert page.context["candidate"]["rank"] == 1
    assert "?strategy=good" in page.content.decode()
    assert "asked for by the decision" in page.content.decode()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", {"good", "other"}),
        ("world=alpha", {"good", "other"}),
        ("world=beta", set()),
        ("state=pending", {"other"}),
        ("state=rejected", {"good"}),
        ("strategy=good", {"good"}),
    ],
)
def test_the_list_is_filtered(boss: Client, staff: Staff, decided: str, query: str, found: set[str]) -> None:
    staff("rita", roles=["risk"]).post(url("reject"), REASON)
    rows = boss.get(f"/admin/evaluation/promotion/?{query}").context["cl"].queryset
    assert {row.strategy_id for row in rows} == found


def test_the_overview_tells_how_many_wait_in_ones_worlds(
    boss: Client, staff: Staff, root: ApiClient, decided: str
) -> None:
    root.make_world("other")
    (concern,) = boss.get("/admin/").context["concerns"]
    assert (concern.title, concern.says) == (
        "Promotions wait for approval",
        "2 strategies wait for a person before going live.",
    )
    assert staff("eve", world="other", roles=["risk"]).get("/admin/").context["concerns"] == []


@pytest.mark.parametrize("path", ["evaluation/promotion", "evaluation/decision", "evaluation/evaluationturn"])
def test_more_rows_cost_no_more_queries(boss: Client, root: ApiClient, decided: str, path: str) -> None:
    with CaptureQueriesContext(connection) as few:
        boss.get(f"/admin/{path}/")
    root.make_world("other", policy={"version": 1})
    root.post("/worlds/other/evaluate", {})
    with CaptureQueriesContext(connection) as many:
        boss.get(f"/admin/{path}/")
    assert len(many) <= len(few)


def test_the_page_reads_a_constant_number_of_times(staff: Staff, decided: str) -> None:
    client = staff("rita", roles=["risk"])
    with CaptureQueriesContext(connection) as queries:
        client.get(url())
    assert len(queries) <= 16
