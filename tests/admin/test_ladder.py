"""The ladder of a world: who stands on which rung, what comes next, and the door to evaluate now."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from evaluation.errors import EvaluationInProgress
from evaluation.models import Decision
from evaluation.selectors import ladder
from evaluation.services import decisions as deciding
from qmtl_site.audit.models import AuditEntry
from strategies.models import Binding
from tests.admin.conftest import Staff, told
from tests.api import ApiClient, results
from worlds.models import World

pytestmark = pytest.mark.django_db

LADDER = "/admin/evaluation/evaluationturn/alpha/change/"
EVALUATE = "/admin/evaluation/evaluationturn/alpha/evaluate_now/"
YES = {"_form_submitted": "True"}


def rungs(page: Any) -> dict[str, list[str]]:
    return {r["name"]: [card["binding"].strategy_id for card in r["cards"]] for r in page.context["rungs"]}


def cards(page: Any) -> dict[str, Any]:
    return {card["binding"].strategy_id: card for r in page.context["rungs"] for card in r["cards"]}


# --- the page ---------------------------------------------------------------------------------------------
def test_each_strategy_stands_on_its_rung_the_best_first(boss: Client, decided: str) -> None:
    page = boss.get(LADDER)
    assert rungs(page) == {
        "submitted": ["waits"],
        "dry_run": ["good", "twin", "other", "poor"],
        "live": [],
        "stopped": ["bad"],
    }


def test_a_card_says_where_a_strategy_stands_and_why(boss: Client, decided: str) -> None:
    page = boss.get(LADDER)
    good, twin = cards(page)["good"], cards(page)["twin"]
    assert (good["counters"], good["next"]) == ("passes 2 of 2", "Waits for a person's approval.")
    assert good["spark"].words == "+26.3 %"
    assert twin["next"] == "Needs 2 more passes in a row."
    newest = Decision.objects.order_by("-number")[0].pk
    assert twin["why_url"] == f"/admin/evaluation/decision/{newest}/change/?strategy=twin"
    assert cards(page)["waits"]["spark"] is None
    text = page.content.decode()
    assert "correlation 1.00 with good" in text
    assert page.context["pending"] == 2


def test_a_world_that_has_no_strategies_has_a_ladder(boss: Client, root: ApiClient) -> None:
    root.make_world("alpha", policy=None)
    page = boss.get(LADDER).content.decode()
    assert "none: the world has no active policy" in page
    assert "Nobody is live." in page


def test_a_crowded_rung_says_how_many_more(
    boss: Client, decided: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with CaptureQueriesContext(connection) as many:
        boss.get(LADDER)
    monkeypatch.setattr(ladder, "PER_RUNG", 1)
    with CaptureQueriesContext(connection) as few:
        page = boss.get(LADDER)
    assert rungs(page)["dry_run"] == ["good"]
    assert [r["more"] for r in page.context["rungs"]] == [0, 3, 0, 0]
    assert "3 more:" in page.content.decode()
    assert len(many) == len(few) <= 12


def test_the_world_leads_to_its_ladder(boss: Client, decided: str) -> None:
    page = boss.get("/admin/worlds/world/alpha/change/").content.decode()
    assert LADDER in page
    assert "2 to promote, 0 to demote" in page


def test_a_binding_shows_the_newest_word_about_it(boss: Client, decided: str) -> None:
    key = Binding.objects.get(strategy_id="twin").pk
    page = boss.get(f"/admin/strategies/binding/{key}/change/").content.decode()
    assert "The newest decision about it" in page
    assert "?strategy=twin" in page


# --- evaluating now ---------------------------------------------------------------------------------------
def test_asking_for_the_dialog_evaluates_nothing(boss: Client, decided: str) -> None:
    assert boss.get(EVALUATE).status_code == 200
    assert Decision.objects.count() == 2


def test_evaluating_now_says_what_came_of_it(boss: Client, decided: str) -> None:
    page = boss.post(EVALUATE, YES, follow=True)
    words = "Evaluated: 2 to promote (good, other); 2 stay where they are. Nobody counted for this slot."
    assert told(page) == [words]
    assert Decision.objects.count() == 3
    entry = AuditEntry.objects.filter(stream="alpha", action="world.evaluate").latest("sequence")
    assert entry.actor == "root"


def test_without_a_policy_it_says_that_nothing_is_decided(boss: Client, root: ApiClient) -> None:
    root.make_world("alpha", policy=None)
    page = boss.post(EVALUATE, YES, follow=True)
    assert told(page) == ["Evaluated, and nothing was decided: the world has no active policy."]


@pytest.mark.parametrize(("state", "code"), [("PAUSED", "E_ILLEGAL_TRANSITION")])
def test_a_world_that_stands_still_has_no_button_and_refuses_in_words(
    boss: Client, root: ApiClient, decided: str, state: str, code: str
) -> None:
    root.post("/worlds/alpha/state", {"state": state, "reason": "a test"})
    assert EVALUATE not in boss.get(LADDER).content.decode()
    page = boss.post(EVALUATE, YES, follow=True)
    assert code in told(page)[0]
    assert "resume it first" in told(page)[0]


def test_while_another_one_decides_it_is_refused_in_words(
    boss: Client, decided: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*given: Any, **more: Any) -> None:
        raise EvaluationInProgress("World alpha is being evaluated; ?wait=true joins")

    monkeypatch.setattr(deciding, "take_turn", busy)
    page = boss.post(EVALUATE, YES, follow=True)
    assert "E_EVALUATION_IN_PROGRESS" in told(page)[0]


@pytest.mark.parametrize(
    ("role", "status"),
    [("viewer", 403), ("submitter", 403), ("risk", 403), ("operator", 302), ("owner", 302)],
)
def test_who_may_evaluate_in_the_api_may_do_it_here(
    staff: Staff, decided: str, role: str, status: int
) -> None:
    client = staff("ann", roles=[role])
    assert client.post(EVALUATE, YES).status_code == status
    assert (EVALUATE in client.get(LADDER).content.decode()) == (status == 302)
    assert Decision.objects.count() == (3 if status == 302 else 2)


def test_the_ladder_of_another_world_is_not_there(staff: Staff, root: ApiClient, decided: str) -> None:
    root.make_world("other")
    client = staff("eve", world="other", roles=["owner"])
    assert client.get(LADDER).status_code in {302, 403}
    assert client.post(EVALUATE, YES).status_code == 403
    rows = client.get("/admin/evaluation/evaluationturn/").context["cl"].queryset
    assert {row.world_id for row in rows} == {"other"}


def test_sparklines_end_with_the_record(boss: Client, root: ApiClient, decided: str) -> None:
    """Of a long record the newest part is drawn: a fall at its end is seen."""
    values = [0.001] * 5000 + [-0.01] * 20
    root.make_strategy("long")
    root.submit("alpha", "long", results(values))
    root.evaluate("alpha")
    spark = cards(boss.get(LADDER))["long"]["spark"]
    expected = 1.001**2500 * 0.99**20 - 1
    assert spark.total == pytest.approx(expected)


def test_every_world_has_a_ladder_in_the_list(boss: Client, root: ApiClient, decided: str) -> None:
    root.make_world("other")
    rows = boss.get("/admin/evaluation/evaluationturn/").context["cl"].queryset
    assert {row.world_id for row in rows} == set(World.objects.values_list("pk", flat=True))
