"""The pages of decisions: the funnel, who and why, the replay, the correlations."""

from __future__ import annotations

import re

import orjson
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from evaluation.admin import decision_page
from evaluation.admin.decision_page import part_of
from evaluation.admin.decisions import replayed
from evaluation.models import Decision
from qmtl_site.blobs import store
from tests.admin.conftest import Staff, told
from tests.api import ApiClient

pytestmark = pytest.mark.django_db


def newest() -> Decision:
    return Decision.objects.order_by("-number")[0]


def url(page: str = "change/") -> str:
    return f"/admin/evaluation/decision/{newest().pk}/{page}"


def test_a_decision_is_a_funnel(boss: Client, decided: str) -> None:
    page = boss.get(url())
    counts = {stage.name: (stage.count, stage.lost) for stage in page.context["funnel"].stages}
    assert counts == {
        "Candidates": (4, 0),
        "Eligible": (3, 1),
        "Passed gates": (3, 0),
        "Selected": (2, 1),
        "Promoted": (2, 0),
    }
    assert 'aria-label="Candidates 4, Eligible 3' in page.content.decode()


def test_it_says_what_it_plans_with_what_weights_and_by_which_policy(boss: Client, decided: str) -> None:
    page = boss.get(url())
    text = page.content.decode()
    plan = {part["title"]: part["names"] for part in page.context["plan"]}
    assert (sorted(plan["promote"]), sorted(plan["hold"])) == (["good", "other"], ["poor", "twin"])
    assert [row["percent"] for row in page.context["weights"]["rows"]] == ["50.0 %", "50.0 %"]
    assert newest().sha256 in text
    assert newest().inputs_id in text
    assert "/admin/audit/auditentry/?stream=alpha&amp;action=world.evaluate" in text
    assert "by root" in text


def test_every_candidate_is_explained_the_best_first(boss: Client, decided: str) -> None:
    page = boss.get(url())
    text = page.content.decode()
    assert re.findall(r'<details id="c-(\w+)"', text) == ["good", "twin", "other", "poor"]
    assert "correlation 1.00 with good, above 0.8" in text
    assert "short of 0.5" in text  # what poor lacks
    assert "passes 2 of 2" in text


def test_one_strategy_is_opened_by_its_link(boss: Client, decided: str) -> None:
    page = boss.get(url("change/?strategy=twin")).content.decode()
    assert re.findall(r'<details id="c-(\w+)"\s+open', page) == ["twin"]
    assert "was no candidate" in boss.get(url("change/?strategy=nobody")).content.decode()


def test_rules_in_shadow_tell_what_they_would_have_done(boss: Client, decided: str) -> None:
    (shadow,) = boss.get(url()).context["shadow"]
    assert (shadow["rule"], shadow["count"], shadow["of"]) == ("cohort", 4, 4)


@pytest.mark.parametrize("part", ["0", "2", "-1", "x", "9" * 30, ""])
def test_any_number_of_a_part_gives_a_page(boss: Client, decided: str, part: str) -> None:
    assert boss.get(url(f"change/?part={part}")).status_code == 200


def test_many_candidates_come_in_parts() -> None:
    rows = [{"strategy_id": str(n)} for n in range(250)]
    middle, last = part_of(rows, 2), part_of(rows, 99)
    assert (middle.first, middle.last, middle.before, middle.after) == (101, 200, 1, 3)
    assert (last.first, last.last, last.of, last.after) == (201, 250, 250, None)


def test_a_decision_without_candidates_says_so(boss: Client, root: ApiClient, decided: str) -> None:
    root.make_world("empty", policy={"version": 1})
    root.post("/worlds/empty/evaluate", {})
    key = Decision.objects.get(world_id="empty").pk
    page = boss.get(f"/admin/evaluation/decision/{key}/change/").content.decode()
    assert "there were no candidates" in page
    assert "Nobody would be live." in page


def test_more_candidates_cost_no_more_queries(
    boss: Client, root: ApiClient, decided: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with CaptureQueriesContext(connection) as many:
        assert boss.get(url()).status_code == 200
    monkeypatch.setattr(decision_page, "PER_PAGE", 1)
    with CaptureQueriesContext(connection) as few:
        assert boss.get(url()).status_code == 200
    assert len(many) == len(few) <= 14


# --- replay -----------------------------------------------------------------------------------------------
def test_a_replay_says_identical(boss: Client, decided: str) -> None:
    page = boss.post(url("replay/"), follow=True)
    assert told(page)[0].startswith("Replayed: identical, the same bytes")


def test_a_replay_that_differs_says_why() -> None:
    answer = {
        "identical": False,
        "reason": "version",
        "detail": "other versions: numpy",
        "versions": {"then": {"numpy": "2.3", "scipy": "1"}, "now": {"numpy": "2.4", "scipy": "1"}},
    }
    words = "Replayed: not identical, because of version: other versions: numpy (numpy 2.3 then, 2.4 now)."
    assert replayed(answer) == words


def test_a_replay_without_its_inputs_says_so(
    boss: Client, decided: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lose_blobs(monkeypatch)
    page = boss.post(url("replay/"), follow=True)
    assert "not identical, because of inputs" in told(page)[0]


def test_a_replay_is_not_made_by_following_a_link(boss: Client, decided: str) -> None:
    assert boss.get(url("replay/")).status_code == 403


def test_the_document_is_the_stored_one(boss: Client, decided: str) -> None:
    assert boss.get(url("decision.json")).content == bytes(newest().document)


# --- correlations -----------------------------------------------------------------------------------------
def test_correlations_are_a_map_of_the_candidates_by_rank(boss: Client, decided: str) -> None:
    page = boss.get(url("correlations/"))
    heat = page.context["heat"]
    assert [label.full for label in heat.labels] == ["good", "twin", "other", "poor"]
    words = [cell.words for cell in heat.cells]
    assert "good and twin: 1.000, above 0.8" in words
    assert heat.above == 1
    assert heat.unknown == 0
    assert "whole records" in page.content.decode()


def test_a_figure_of_the_map_is_the_one_that_decided(boss: Client, decided: str) -> None:
    document = orjson.loads(bytes(newest().document))
    (twin,) = [c for c in document["candidates"] if c["strategy_id"] == "twin"]
    (refused,) = [step for step in twin["trace"] if step["step"] == "correlation"]
    cells = boss.get(url("correlations/")).context["heat"].cells
    (cell,) = [cell for cell in cells if cell.words.startswith("twin and good")]
    assert cell.figure == f"{refused['value']:.2f}"


def test_lost_inputs_are_told_in_place_of_the_map(
    boss: Client, decided: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = url("correlations/")
    lose_blobs(monkeypatch)
    assert "The inputs of the decision are lost" in boss.get(path).content.decode()


def lose_blobs(monkeypatch: pytest.MonkeyPatch) -> None:
    def lose(names: object) -> None:
        raise store.BlobCorrupt("blob abc is not in the blob store")

    monkeypatch.setattr(store, "get_many", lose)


# --- who sees them ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("page", ["change/", "correlations/", "decision.json"])
def test_decisions_are_seen_with_a_role_in_the_world(
    staff: Staff, root: ApiClient, decided: str, page: str
) -> None:
    root.make_world("other")
    assert staff("vic", roles=["viewer"]).get(url(page)).status_code == 200
    assert staff("eve", world="other", roles=["owner"]).get(url(page)).status_code in {302, 403}


def test_a_stranger_replays_in_vain(staff: Staff, root: ApiClient, decided: str) -> None:
    root.make_world("other")
    assert staff("eve", world="other", roles=["owner"]).post(url("replay/")).status_code == 403
    assert staff("vic", roles=["viewer"]).post(url("replay/")).status_code == 302


def test_the_list_shows_the_decisions_of_ones_worlds(staff: Staff, root: ApiClient, decided: str) -> None:
    root.make_world("other", policy={"version": 1})
    root.post("/worlds/other/evaluate", {})
    path = "/admin/evaluation/decision/"
    rows = staff("vic", roles=["viewer"]).get(path).context["cl"].queryset
    assert {row.world_id for row in rows} == {"alpha"}
    assert len(rows) == 2


def test_the_list_is_filtered_by_world(boss: Client, root: ApiClient, decided: str) -> None:
    root.make_world("other", policy={"version": 1})
    root.post("/worlds/other/evaluate", {})
    rows = boss.get("/admin/evaluation/decision/?world=other").context["cl"].queryset
    assert {row.world_id for row in rows} == {"other"}
