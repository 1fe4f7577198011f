"""Gates of a world: what shuts each of them, who holds it, its history, and the doors that move it by hand."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from qmtl_site.audit.models import AuditEntry
from strategies.domain import standings
from strategies.models import Activation, ActivationRecord, EdgeOverride, GateAuthority, GateClient
from strategies.selectors import gate_documents
from strategies.selectors.shown import effective_of, listed_gates, why_not
from tests.admin.conftest import Staff, browse, told
from tests.admin.trading import (
    GATES,
    REASON,
    binding_url,
    client_url,
    gate_url,
    go_live,
    hold,
    leave,
    make_trading,
)
from tests.api import ApiClient
from tests.kept import Keep
from worlds.models import World

pytestmark = pytest.mark.django_db

DOORS = ("close_gate", "reopen_gate", "set_weight")


@pytest.fixture(scope="module")
def trading(keep: Keep) -> str:
    """`a` and `b` are live, `c` is in dry run."""
    with keep("trading") as root:
        make_trading(root)
        go_live("a", "b")
    return "alpha"


def gate(name: str = "a") -> Any:
    return listed_gates().get(binding__strategy=name)


def rows(page: Any) -> dict[str, Any]:
    return {row["strategy"]: row for row in page.context["gates"]}


# --- how a gate stands ------------------------------------------------------------------------------------
MASKS: list[tuple[dict[str, Any], str]] = [
    ({"circuit_breaker": True}, "the circuit breaker is engaged"),
    ({"allow_live": False}, "the world does not allow real orders"),
    ({"state": "PAUSED"}, "the world is paused"),
    ({"state": "EVALUATION_ONLY"}, "the world only evaluates"),
    ({"decision_stale_at": "2020-01-01T00:00:00Z"}, "the newest decision is too old, or there is none"),
    ({"decision_stale_at": None}, "the newest decision is too old, or there is none"),
]


@pytest.mark.parametrize(("fields", "words"), MASKS)
def test_a_mask_shuts_a_gate_that_is_told_to_be_open(
    trading: str, fields: dict[str, Any], words: str
) -> None:
    """Written past the use cases, which would have closed the gate: what is read must hold by itself."""
    assert (gate().standing, why_not(gate())) == ("open", [])
    World.objects.update(**fields)
    assert (gate().standing, why_not(gate())) == ("kept shut", [words])
    assert not gate_documents("alpha", strategy_id="a")[0]["active"]


def test_all_masks_are_named_and_the_one_that_lowers_the_mode_is_among_them(trading: str) -> None:
    World.objects.update(circuit_breaker=True, allow_live=False, state="PAUSED")
    assert len(why_not(gate())) == 3
    assert standings.MASKS[effective_of(gate()).lowered_by or ""] in why_not(gate())


def test_a_holder_with_other_code_shuts_the_gate(root: ApiClient, trading: str) -> None:
    row = gate().binding
    row.judged_code_hash = "judged"
    row.save()
    hold(root, "runner", "a", code="judged")
    assert gate().standing == "open"
    hold(root, "other", "a", code="changed")
    assert (gate().standing, why_not(gate())) == ("kept shut", [standings.MASKS["foreign_code"]])


def test_a_closed_gate_says_who_closed_it_and_why(boss: Client, trading: str) -> None:
    boss.post(gate_url("a", "close_gate"), REASON)
    assert (gate().standing, why_not(gate())) == ("closed", ["it was told to be closed"])
    assert (gate().told_by, gate().told_why) == ("root", "looked at it twice")


def test_the_gate_of_one_who_left_is_closed_because_he_is_not_live(trading: str) -> None:
    leave("a")
    assert (gate().standing, why_not(gate())) == ("closed", ["the strategy is not live (dry run)"])


# --- the page of a world's gates --------------------------------------------------------------------------
def test_a_worlds_gates_with_weight_side_and_who_holds_them(
    boss: Client, root: ApiClient, trading: str
) -> None:
    hold(root, "runner-1", "a", "b")
    page = boss.get(GATES)
    shown = rows(page)
    assert set(shown) == {"a", "b"}
    assert (shown["a"]["weight"], shown["a"]["epoch"], shown["a"]["gate"].side) == ("25.0 %", "1.1", "long")
    assert [client.client_id for client in shown["a"]["holders"]] == ["runner-1"]
    assert page.context["open_gates"] == 2
    assert "runner-1" in page.content.decode()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"circuit_breaker": True}, "The circuit breaker is engaged"),
        ({"allow_live": False}, "Real orders are not allowed"),
        ({"state": "PAUSED"}, "The world is paused"),
        ({"decision_stale_at": None}, "The world has never decided"),
    ],
)
def test_what_speaks_against_opening_is_said_loudly(
    boss: Client, trading: str, fields: dict[str, Any], words: str
) -> None:
    World.objects.update(**fields)
    for url in (GATES, gate_url(), "/admin/worlds/world/alpha/change/"):
        assert words in boss.get(url).content.decode(), url


def test_the_worlds_page_leads_to_its_gates(boss: Client, trading: str) -> None:
    assert GATES in boss.get("/admin/worlds/world/alpha/change/").content.decode()


def test_a_world_in_which_nobody_was_ever_live_says_so(boss: Client, root: ApiClient) -> None:
    root.make_world("alpha")
    assert "there is no gate yet" in boss.get(GATES).content.decode()


def test_cache_hits_are_told_and_cleared(boss: Client, staff: Staff, trading: str) -> None:
    url = "/admin/strategies/gateauthority/alpha/clear_hits/"
    assert "clear_hits" not in boss.get(GATES).content.decode()
    GateAuthority.objects.update(cross_context_hits=7)
    assert "7 reads of caches of another context" in boss.get(GATES).content.decode()
    assert staff("rita", roles=["risk"]).post(url, REASON).status_code == 403
    boss.post(url, REASON)
    assert GateAuthority.objects.get().cross_context_hits == 0


# --- doors ------------------------------------------------------------------------------------------------
def test_an_operator_closes_and_opens_again(staff: Staff, trading: str) -> None:
    client = staff("olga", roles=["operator"])
    page = client.post(gate_url("a", "close_gate"), REASON, follow=True)
    assert told(page) == ["The gate of a is closed."]
    assert not Activation.objects.get(binding__strategy="a").active
    entry = AuditEntry.objects.filter(stream="alpha", action="activation.update").latest("sequence")
    assert (entry.actor, "looked at it twice" in entry.details) == ("olga", True)
    page = client.post(gate_url("a", "reopen_gate"), REASON, follow=True)
    assert told(page) == ["The gate of a is told to be open."]
    assert gate().standing == "open"


def test_a_weight_is_set(staff: Staff, trading: str) -> None:
    page = staff("olga", roles=["operator"]).post(
        gate_url("a", "set_weight"), {**REASON, "weight": "0.4"}, follow=True
    )
    assert told(page) == ["The gate of a has the weight 40 %."]
    assert gate().weight == 0.4


@pytest.mark.parametrize("weight", ["1.5", "-0.1", "nan", "", "much"])
def test_a_weight_that_cannot_be_is_refused_in_place(boss: Client, trading: str, weight: str) -> None:
    page = boss.post(gate_url("a", "set_weight"), {**REASON, "weight": weight})
    assert page.status_code == 200
    assert gate().weight == 0.25


def test_what_somebody_else_told_meanwhile_is_not_overwritten(boss: Client, trading: str) -> None:
    seen = boss.get(gate_url("a", "set_weight")).context["form"]["etag"].value()
    boss.post(gate_url("a", "close_gate"), REASON)
    page = boss.post(gate_url("a", "set_weight"), {**REASON, "weight": "0.4", "etag": seen}, follow=True)
    assert "E_PRECONDITION" in told(page)[-1]
    assert gate().weight == 0.25


def test_closing_never_asks_what_was_seen(boss: Client, trading: str) -> None:
    boss.post(gate_url("a", "set_weight"), {**REASON, "weight": "0.4"})
    boss.post(gate_url("a", "close_gate"), {**REASON, "etag": "old"})
    assert gate().standing == "closed"


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("role", ["viewer", "submitter", "risk", "runner"])
def test_who_may_not_move_a_gate_sees_no_door_and_acts_in_vain(
    staff: Staff, trading: str, role: str, door: str
) -> None:
    client = staff("ann", roles=[role])
    page = client.get(gate_url())
    assert page.context["actions_detail"] == []
    assert "close_gate" not in client.get(GATES).content.decode()
    assert client.post(gate_url("a", door), {**REASON, "weight": "0.4"}).status_code == 403
    assert (gate().standing, gate().weight) == ("open", 0.25)


def test_gates_of_another_world_are_not_there(staff: Staff, root: ApiClient, trading: str) -> None:
    root.make_world("other")
    client = staff("eve", world="other", roles=["operator"])
    for url in (GATES, gate_url(), binding_url()):
        assert client.get(url).status_code in {302, 403}
    assert client.post(gate_url("a", "close_gate"), REASON).status_code == 403
    for path in ("activation", "apply", "activationrecord"):
        assert list(client.get(f"/admin/strategies/{path}/").context["cl"].queryset) == []


def test_without_a_csrf_token_nothing_happens(superuser: User, trading: str) -> None:
    client = browse(superuser, enforce_csrf_checks=True)
    assert client.post(gate_url("a", "close_gate"), REASON).status_code == 403
    assert gate().standing == "open"


def test_opening_while_the_breaker_is_engaged_is_refused_in_words(
    boss: Client, root: ApiClient, trading: str
) -> None:
    root.post("/worlds/alpha/circuit-breaker", {"engaged": True, "reason": "outage"})
    page = boss.post(gate_url("a", "reopen_gate"), REASON, follow=True)
    assert "E_BREAKER_ENGAGED" in told(page)[0]
    assert gate().standing == "closed"


def test_only_gates_of_live_strategies_have_doors(boss: Client, trading: str) -> None:
    leave("a")
    page = boss.get(gate_url())
    assert page.context["actions_detail"] == []
    assert "Only gates of live strategies are moved by hand" in page.content.decode()
    assert "E_NOT_LIVE" in told(boss.post(gate_url("a", "reopen_gate"), REASON, follow=True))[0]


def test_a_door_in_the_worlds_list_leads_back_there(boss: Client, trading: str) -> None:
    (row,) = [row for row in boss.get(GATES).context["gates"] if row["strategy"] == "a"]
    page = boss.post(row["door_url"], REASON, headers={"HX-Request": "true"})
    assert page["HX-Redirect"] == GATES
    assert gate().standing == "closed"


# --- its history ------------------------------------------------------------------------------------------
def test_the_history_tells_what_when_by_whom_and_why(boss: Client, trading: str) -> None:
    boss.post(gate_url("a", "close_gate"), REASON)
    page = boss.get(gate_url())
    newest, word, weight = page.context["history"][0]
    assert (word, weight, newest.actor, newest.reason) == ("closed", "25.0 %", "root", "looked at it twice")
    assert [word for _, word, _ in page.context["history"]] == ["closed", "open", "frozen", "frozen"]
    assert ActivationRecord.objects.filter(binding__strategy="a").count() == 4
    found = (
        boss.get("/admin/strategies/activationrecord/?world=alpha&strategy=a&by=root").context["cl"].queryset
    )
    assert [record.reason for record in found] == ["looked at it twice"]


# --- who holds gates --------------------------------------------------------------------------------------
def test_a_lease_is_revoked_with_a_reason(staff: Staff, root: ApiClient, trading: str) -> None:
    hold(root, "runner-1", "a")
    client = staff("olga", roles=["operator"])
    assert "left" in client.get(GATES).content.decode()
    page = client.post(client_url("runner-1", "revoke"), REASON, follow=True)
    assert told(page) == ["The lease of runner-1 is revoked."]
    assert GateClient.objects.get().revoked_reason == "looked at it twice"
    assert page.context["actions_detail"] == []


def test_a_runner_revokes_his_own_lease_only(staff: Staff, root: ApiClient, trading: str) -> None:
    hold(root, "theirs", "a")
    client = staff("ray", roles=["runner"])
    assert client.get(client_url("theirs")).context["actions_detail"] == []
    assert client.post(client_url("theirs", "revoke"), REASON).status_code == 403
    GateClient.objects.update(user=User.objects.get(username="ray"))
    assert client.post(client_url("theirs", "revoke"), REASON).status_code == 302
    assert GateClient.objects.get().revoked_at is not None


def test_a_lease_that_ran_out_is_said_so(boss: Client, root: ApiClient, trading: str) -> None:
    hold(root, "runner-1", "a")
    GateClient.objects.update(lease_until="2020-01-01T00:00:00Z")
    (row,) = boss.get(GATES).context["clients"]
    assert row["lease"] == "ran out"
    assert rows(boss.get(GATES))["a"]["holders"] == []
    found = {
        lease: boss.get(f"/admin/strategies/gateclient/?lease={lease}").context["cl"].queryset.count()
        for lease in ("holds", "ran out", "revoked")
    }
    assert found == {"holds": 0, "ran out": 1, "revoked": 0}


# --- edges ------------------------------------------------------------------------------------------------
EDGE = {"world": "alpha", "src_node": "features", "dst_node": "orders", "active": "on", "reason": "checked"}


def test_an_edge_is_set_and_turned_off(staff: Staff, trading: str) -> None:
    client = staff("olga", roles=["operator"])
    assert client.post("/admin/strategies/edgeoverride/add/", EDGE).status_code == 302
    row = EdgeOverride.objects.get()
    assert (row.active, row.changed_by, row.reason) == (True, "olga", "checked")
    page = client.post(f"/admin/strategies/edgeoverride/{row.pk}/turn_off/", REASON, follow=True)
    assert told(page)[-1] == "The edge features → orders is off."
    assert not EdgeOverride.objects.get().active


def test_an_edge_of_a_world_of_others_is_not_set(staff: Staff, root: ApiClient, trading: str) -> None:
    root.make_world("other")
    client = staff("olga", roles=["operator"])
    page = client.post("/admin/strategies/edgeoverride/add/", {**EDGE, "world": "other"})
    assert page.context["form"].errors["world"]
    assert staff("vic", roles=["viewer"]).post("/admin/strategies/edgeoverride/add/", EDGE).status_code == 403
    assert not EdgeOverride.objects.exists()


# --- lists ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", {"a", "b"}),
        ("world=alpha", {"a", "b"}),
        ("world=beta", set()),
        ("gate=open", {"b"}),
        ("gate=closed", {"a"}),
        ("state=live", {"a", "b"}),
        ("strategy=a", {"a"}),
    ],
)
def test_the_list_is_filtered(boss: Client, trading: str, query: str, found: set[str]) -> None:
    boss.post(gate_url("a", "close_gate"), REASON)
    gates = boss.get(f"/admin/strategies/activation/?{query}").context["cl"].queryset
    assert {gate.binding.strategy_id for gate in gates} == found


LISTS = (
    "gateauthority",
    "activation",
    "activationrecord",
    "apply",
    "gateclient",
    "edgeoverride",
    "queuedcommand",
)


@pytest.mark.parametrize("path", LISTS)
def test_more_rows_cost_no_more_queries(boss: Client, root: ApiClient, trading: str, path: str) -> None:
    fill(root, "a", "1")
    with CaptureQueriesContext(connection) as few:
        boss.get(f"/admin/strategies/{path}/")
    root.make_world("beta")
    go_live("c", run_id="two")
    fill(root, "b", "2")
    fill(root, "c", "3")
    with CaptureQueriesContext(connection) as many:
        boss.get(f"/admin/strategies/{path}/")
    assert len(many) <= len(few)


def fill(api: ApiClient, name: str, number: str) -> None:
    hold(api, f"runner-{number}", name)
    api.call(
        "PUT",
        "/worlds/alpha/edges/overrides",
        {"src_node": name, "dst_node": "orders", "active": True, "reason": "x"},
    )
    alpha = World.objects.filter(pk="alpha")
    alpha.update(state="PAUSED")
    api.post(f"/strategies/{name}/deactivate", {"world_id": "alpha", "reason": "later"})
    alpha.update(state="ACTIVE")


def test_more_gates_cost_no_more_queries(boss: Client, root: ApiClient, trading: str) -> None:
    hold(root, "runner-1", "a")
    with CaptureQueriesContext(connection) as few:
        boss.get(GATES)
    go_live("c", run_id="two")
    hold(root, "runner-2", "a", "b", "c")
    with CaptureQueriesContext(connection) as many:
        boss.get(GATES)
    assert len(many) <= len(few) <= 20


def test_the_overview_counts_gates_and_says_which_live_strategies_cannot_trade(
    boss: Client, staff: Staff, trading: str
) -> None:
    boss.post(gate_url("a", "close_gate"), REASON)
    page = boss.get("/admin/")
    (card,) = [card for card in page.context["cards"] if card.title == "Gates"]
    assert {name: count for name, count, _ in card.counts} == {
        "open": 1,
        "frozen": 0,
        "kept shut": 0,
        "closed": 1,
    }
    assert "Live strategies with a shut gate" in [concern.title for concern in page.context["concerns"]]
    assert staff("nobody").get("/admin/").context["concerns"] == []
