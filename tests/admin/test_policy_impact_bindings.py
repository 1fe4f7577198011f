"""What a policy would change over the bindings of a world that decides, before it is published."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from evaluation.admin.impact_page import kind_of, risk_shown
from evaluation.models import EvaluationRun
from strategies.models import Binding
from tests.admin.impact import NOBODY_PASSES, STRICT, TEXT, draft, url
from tests.api import ApiClient, body
from tests.problem import nothing_written

pytestmark = pytest.mark.django_db


def plans(page: Any) -> dict[str, tuple[list[str], list[str]]]:
    rows = page.context["shown"]["bindings"]["plans"]
    return {row["title"]: (row["old"]["names"], row["new"]["names"]) for row in rows}


def kinds(page: Any) -> dict[str, str]:
    return {row["strategy_id"]: row["kind"] for row in page.context["shown"]["bindings"]["changes"]}


def test_who_would_not_be_promoted_any_more_is_told_with_the_reason(
    boss: Client, root: ApiClient, decided: str
) -> None:
    page = boss.get(url(draft(root, STRICT).version))
    assert plans(page)["Promoted"] == (["good", "other"], [])
    assert kinds(page) == {"good": "not promoted any more", "other": "not promoted any more"}
    assert "short of 99" in page.content.decode()


def test_who_would_be_demoted_is_told_first(boss: Client, root: ApiClient, decided: str) -> None:
    Binding.objects.filter(strategy_id="other").update(state="live")
    at_once = {**STRICT["selection"], "hysteresis": {"promote_after": 1, "demote_after": 1}}
    page = boss.get(url(draft(root, {**STRICT, "selection": at_once}).version))
    assert plans(page)["Demoted"] == ([], ["other"])
    assert plans(page)["Live then"] == (["other", "good"], [])
    assert next(iter(kinds(page).items())) == ("other", "demoted")


def test_the_change_of_the_portfolio_s_risk_is_told(boss: Client, root: ApiClient, decided: str) -> None:
    page = boss.get(url(draft(root, STRICT).version))
    volatility, *_ = page.context["shown"]["risk"]["rows"]
    assert volatility["new"] == "0.00 %"
    assert volatility["change"] == f"-{volatility['old']}"
    assert float(volatility["old"].removesuffix(" %")) > 5


def test_it_is_the_answer_of_the_api(boss: Client, root: ApiClient, decided: str) -> None:
    version = draft(root, STRICT).version
    impact = body(root.post(f"/worlds/alpha/policies/{version}/impact", {}))
    shown = boss.get(url(version)).context["shown"]
    assert (
        shown["runs"]["count"] == impact["runs"]["runs"] == EvaluationRun.objects.exclude(result=None).count()
    )
    assert {row["strategy_id"] for row in shown["bindings"]["changes"]} == {
        change["strategy_id"] for change in impact["bindings"]["changes"]
    }


def test_a_world_with_many_changes_says_how_many_more(
    boss: Client, root: ApiClient, decided: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = draft(root, {**STRICT, **NOBODY_PASSES}).version
    boss.get(url(version))  # the policies' texts are fetched once
    with CaptureQueriesContext(connection) as many:
        all_of_them = len(boss.get(url(version)).context["shown"]["runs"]["changes"])
    monkeypatch.setattr("evaluation.admin.impact_page.SHOWN", 1)
    with CaptureQueriesContext(connection) as few:
        page = boss.get(url(version))
    assert all_of_them > 2
    assert f"And {all_of_them - 1} more." in page.content.decode()
    assert len(many) == len(few)


def test_a_world_that_promotes_nobody_says_why(boss: Client, root: ApiClient, decided: str) -> None:
    root.patch("/worlds/alpha", {"allow_live": False})
    root.post("/worlds/alpha/state", {"state": "PAUSED", "reason": "rest"})
    notes = " ".join(boss.get(url(draft(root, STRICT).version)).context["shown"]["notes"])
    assert "paused" in notes
    assert "does not allow live trading" in notes


def test_a_text_has_the_impact_that_its_draft_would_have(boss: Client, root: ApiClient, decided: str) -> None:
    source = orjson.dumps(STRICT).decode()
    with nothing_written():
        of_text = boss.post(TEXT, {"language": "json", "source": source, "days": "30"})
    of_draft = boss.get(url(draft(root, STRICT).version, days=30)).context["shown"]
    shown = of_text.context["shown"]
    assert (shown["old"], shown["new"], shown["days"]) == ("v1", "this text", 30)
    for part in ("bindings", "runs", "risk"):
        assert shown[part] == of_draft[part]


# --- in words ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        (("hold", False), ("promote", True), "promoted"),
        (("hold", True), ("demote", False), "demoted"),
        (("promote", True), ("hold", False), "not promoted any more"),
        (("demote", False), ("hold", True), "stays live after all"),
        (("hold", False), ("hold", True), "gains a place"),
        (("hold", True), ("hold", False), "loses its place"),
        (("reopen", True), ("hold", True), "otherwise"),
    ],
)
def test_what_becomes_of_a_strategy(old: tuple[str, bool], new: tuple[str, bool], kind: str) -> None:
    words = ("outcome", "selected")
    assert kind_of(dict(zip(words, old, strict=True)), dict(zip(words, new, strict=True))) == kind


def test_risk_that_is_not_known_is_not_a_figure() -> None:
    shown = risk_shown({"old": None, "new": None, "change": None, "points": 3, "reason": "too few points"})
    assert {row[side] for row in shown["rows"] for side in ("old", "new", "change")} == {"unknown"}
    assert shown["told"] == "Too few points."
