"""Applies that a decision begins: who may apply it, what is said before and after, and what speaks against it."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from evaluation import services as evaluation
from evaluation.models import Decision, Promotion
from qmtl_site.accounts.selectors import actor_in_world
from strategies.models import Apply, Binding
from tests.admin.conftest import Staff, told
from tests.admin.trading import GATES, REASON, apply_url, binding_url, drive
from tests.api import ApiClient
from worlds.models import World

pytestmark = pytest.mark.django_db

LADDER = "/admin/evaluation/evaluationturn/alpha/change/"


def newest() -> Decision:
    return Decision.objects.order_by("-number")[0]


def decision_url(page: str = "change") -> str:
    return f"/admin/evaluation/decision/{newest().pk}/{page}/"


def approve(*names: str) -> None:
    Promotion.objects.filter(strategy__in=names).update(state="approved")


def test_what_waits_for_approval_is_not_applied(boss: Client, decided: str) -> None:
    page = boss.get(decision_url())
    assert page.context["moves"].unapproved == ["good", "other"]
    assert page.context["actions_detail"] == []
    assert "E_VALIDATION" in told(boss.post(decision_url("apply"), REASON, follow=True))[0]
    assert not Apply.objects.exists()


def test_an_operator_applies_a_decision_and_sees_its_steps(staff: Staff, decided: str) -> None:
    approve("good")
    client = staff("olga", roles=["operator"])
    dialog = client.get(decision_url("apply")).content.decode()
    assert "to go live, with an open gate" in dialog
    assert "good" in dialog
    page = client.post(decision_url("apply"), REASON, follow=True)
    apply = Apply.objects.get()
    assert page.redirect_chain[-1][0] == apply_url(apply)
    assert (apply.actor, apply.reason, apply.decision_id) == (
        "olga",
        "looked at it twice",
        newest().decision_id,
    )
    drive(apply)
    assert Binding.objects.get(strategy="good").state == "live"
    page = client.get(decision_url())
    assert [each.run_id for each in page.context["applies"]] == [apply.run_id]
    assert page.context["actions_detail"] == []  # `other` waits for a person


def test_a_gate_that_was_closed_is_opened_again_by_one_who_confirms(
    boss: Client, root: ApiClient, decided: str
) -> None:
    approve("good", "other")
    drive(evaluation.apply_decision(
        world_id="alpha", decision_id=newest().decision_id, run_id="one", reason="", confirmed=False,
        actor=actor_in_world(User.objects.get(username="root"), "alpha"),
    ))  # fmt: skip
    for state in ("PAUSED", "ACTIVE"):
        root.post("/worlds/alpha/state", {"state": state, "reason": "maintenance"})
    root.post("/worlds/alpha/evaluate", {})
    page = boss.get(decision_url())
    assert page.context["moves"].reopen == ["good", "other"]
    assert "Its gate opens again when a person applies the decision" in boss.get(LADDER).content.decode()
    boss.post(decision_url("apply"), REASON)
    drive(Apply.objects.latest("id"))
    assert boss.get(GATES).context["open_gates"] == 2
    assert "All that it moves has moved" in boss.get(decision_url()).content.decode()


@pytest.mark.parametrize("role", ["viewer", "submitter", "risk", "runner"])
def test_who_may_not_apply_sees_no_door_and_acts_in_vain(staff: Staff, decided: str, role: str) -> None:
    approve("good")
    client = staff("ann", roles=[role])
    assert client.get(decision_url()).context["actions_detail"] == []
    assert client.post(decision_url("apply"), REASON).status_code == 403
    assert not Apply.objects.exists()


def test_the_dialog_says_what_speaks_against_it(boss: Client, decided: str) -> None:
    approve("good")
    World.objects.update(allow_live=False)
    assert "Real orders are not allowed" in boss.get(decision_url("apply")).content.decode()
    assert "E_LIVE_NOT_ALLOWED" in told(boss.post(decision_url("apply"), REASON, follow=True))[0]


def test_an_older_decision_is_not_applied(boss: Client, decided: str) -> None:
    older = Decision.objects.order_by("number")[0].pk
    url = f"/admin/evaluation/decision/{older}"
    assert boss.get(f"{url}/change/").context["actions_detail"] == []
    assert told(boss.post(f"{url}/apply/", REASON, follow=True))[0].endswith("(E_ILLEGAL_TRANSITION)")


def test_an_approved_promotion_says_how_it_is_applied(boss: Client, decided: str) -> None:
    approve("good")
    url = f"/admin/evaluation/promotion/{Promotion.objects.get(strategy='good').pk}/change/"
    assert "an apply follows at once" in boss.get(url).content.decode()
    assert "Approved: is applied at once" in boss.get(LADDER).content.decode()
    evaluation.follow_approvals(world_id="alpha")
    page = boss.get(url)
    assert [apply.phase for apply in page.context["applies"]] == ["requested"]


def test_going_live_by_hand_begins_an_apply(boss: Client, decided: str) -> None:
    page = boss.post(binding_url("good", "activate"), REASON, follow=True)
    assert "An apply does what the command about good asks for" in told(page)[0]
    assert drive(Apply.objects.get()).phase == "completed"
