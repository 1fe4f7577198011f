"""Doors: dialogs that change state on POST with a reason and CSRF, by the use cases of the API."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from knox.models import AuthToken

from qmtl_site.accounts.models import WorldRole
from qmtl_site.audit.models import AuditEntry
from qmtl_site.outbox.models import OutboxEvent
from tests.admin.conftest import Staff, browse, told
from tests.api import ApiClient
from worlds.models import PolicyVersion, World

pytestmark = pytest.mark.django_db

WORLD = "/admin/worlds/world/alpha"
PAUSE = {"_form_submitted": "True", "state": "PAUSED", "reason": "maintenance"}


def test_a_dialog_is_only_asked_for_by_get(boss: Client, alpha: str) -> None:
    page = boss.get(f"{WORLD}/change_state/", PAUSE)
    assert page.status_code == 200
    assert World.objects.get().state == "ACTIVE"


def test_a_state_changes_on_post_with_audit_and_event(boss: Client, alpha: str) -> None:
    page = boss.post(f"{WORLD}/change_state/", PAUSE, follow=True)
    assert told(page) == ["alpha is now paused."]
    assert World.objects.get().state == "PAUSED"
    entry = AuditEntry.objects.filter(stream="alpha").latest("sequence")
    assert (entry.action, entry.actor) == ("world.pause", "root")
    assert "maintenance" in entry.details
    assert entry.request_id
    assert OutboxEvent.objects.filter(stream="alpha").latest("sequence").type == "world.state_changed"


def test_htmx_is_sent_on_by_a_header(boss: Client, alpha: str) -> None:
    page = boss.post(f"{WORLD}/change_state/", PAUSE, headers={"HX-Request": "true"})
    assert (page.status_code, page["HX-Redirect"]) == (200, f"{WORLD}/change/")


def test_without_a_csrf_token_nothing_happens(superuser: User, alpha: str) -> None:
    client = browse(superuser, enforce_csrf_checks=True)
    assert client.post(f"{WORLD}/change_state/", PAUSE).status_code == 403
    assert World.objects.get().state == "ACTIVE"


@pytest.mark.parametrize("reason", ["", "no"])
def test_without_a_reason_nothing_happens(boss: Client, alpha: str, reason: str) -> None:
    page = boss.post(f"{WORLD}/change_state/", {**PAUSE, "reason": reason})
    assert page.status_code == 200
    assert World.objects.get().state == "ACTIVE"


def test_only_open_transitions_are_offered(boss: Client, alpha: str) -> None:
    page = boss.get(f"{WORLD}/change_state/").content.decode()
    assert 'value="ACTIVE"' not in page
    assert 'value="PAUSED"' in page


def test_a_refused_transition_is_a_message(boss: Client, alpha: str) -> None:
    page = boss.post(f"{WORLD}/change_state/", {**PAUSE, "state": "ACTIVE"}, follow=True)
    assert page.status_code == 200
    assert "E_ILLEGAL_TRANSITION" in told(page)[0]


def test_a_retired_world_refuses_in_words(boss: Client, root: ApiClient, alpha: str) -> None:
    root.delete("/worlds/alpha?reason=done")
    page = boss.post(f"{WORLD}/change_state/", PAUSE, follow=True)
    assert "E_WORLD_RETIRED" in told(page)[0]


def test_the_breaker_is_engaged_and_reset(boss: Client, alpha: str) -> None:
    form = {"_form_submitted": "True", "reason": "outage"}
    boss.post(f"{WORLD}/engage_breaker/", form)
    assert World.objects.get().circuit_breaker
    assert b"reset_breaker/" in boss.get(f"{WORLD}/change/").content
    boss.post(f"{WORLD}/reset_breaker/", form)
    assert not World.objects.get().circuit_breaker


def test_publishing_makes_a_draft_the_active_policy(boss: Client, root: ApiClient, alpha: str) -> None:
    root.post("/worlds/alpha/policies", {"version": 1})
    draft = PolicyVersion.objects.get(version=2)
    url = f"/admin/worlds/policyversion/{draft.pk}/publish/"
    page = boss.post(url, {"_form_submitted": "True", "reason": "stricter"}, follow=True)
    assert told(page) == ["alpha v2 is the active policy."]
    assert list(PolicyVersion.objects.order_by("version").values_list("state", flat=True)) == [
        "deprecated",
        "active",
    ]


def test_publishing_the_active_policy_again_is_refused_in_words(boss: Client, alpha: str) -> None:
    url = f"/admin/worlds/policyversion/{PolicyVersion.objects.get().pk}/publish/"
    page = boss.post(url, {"_form_submitted": "True", "reason": "again"}, follow=True)
    assert "E_ILLEGAL_TRANSITION" in told(page)[0]


# --- settings and new worlds ------------------------------------------------------------------------------
def settings_form(world: World, **changes: str) -> dict[str, str]:
    form = {
        "name": world.name,
        "owner": world.owner.username,
        "reference_currency": world.reference_currency,
        "periods_per_year": str(world.periods_per_year),
        "risk_free_rate": str(world.risk_free_rate),
        "reference_capital": str(world.reference_capital),
        "revision": str(world.revision),
    }
    return form | changes


def test_settings_change_by_the_use_case(boss: Client, alpha: str) -> None:
    form = settings_form(World.objects.get(), name="Alpha & co", labels="a, b")
    assert boss.post(f"{WORLD}/settings/", form).status_code == 302
    world = World.objects.get()
    assert (world.name, world.labels) == ("Alpha & co", ["a", "b"])
    entry = AuditEntry.objects.filter(stream="alpha").latest("sequence")
    assert entry.action == "world.update"
    assert entry.details == '{"fields":{"labels":["a","b"],"name":"Alpha & co"}}'


def test_settings_that_somebody_else_changed_meanwhile_are_not_overwritten(boss: Client, alpha: str) -> None:
    form = settings_form(World.objects.get(), name="mine", revision="0")
    page = boss.post(f"{WORLD}/settings/", form)
    assert "E_PRECONDITION" in page.content.decode()
    assert World.objects.get().name == "alpha"


def test_figures_that_are_fixed_cannot_be_posted(boss: Client, alpha: str) -> None:
    boss.post(f"{WORLD}/settings/", settings_form(World.objects.get(), periods_per_year="365"))
    assert World.objects.get().periods_per_year == 252


def test_a_bad_setting_is_told_at_its_field(boss: Client, alpha: str) -> None:
    page = boss.post(f"{WORLD}/settings/", settings_form(World.objects.get(), owner="ghost"))
    assert page.context["form"].errors == {"owner": ["there is no user 'ghost'"]}


NEW = {"id": "beta", "periods_per_year": "252", "risk_free_rate": "0", "reference_capital": "10000",
       "reference_currency": "USD"}  # fmt: skip


def test_a_world_is_created_by_the_use_case(boss: Client) -> None:
    assert boss.post("/admin/worlds/world/add/", NEW).status_code == 302
    assert WorldRole.objects.get(world_id="beta").role == "owner"
    assert AuditEntry.objects.filter(stream="beta", action="world.create").exists()


@pytest.mark.parametrize("world_id", ["alpha", "ALPHA", "no/slash", "latest"])
def test_a_world_that_cannot_be_is_refused_in_place(boss: Client, alpha: str, world_id: str) -> None:
    page = boss.post("/admin/worlds/world/add/", {**NEW, "id": world_id})
    assert page.status_code == 200
    assert page.context["form"].errors
    assert World.objects.count() == 1


# --- roles and tokens -------------------------------------------------------------------------------------
def test_an_owner_gives_and_takes_roles(staff: Staff, alpha: str) -> None:
    owner = staff("ann", roles=["owner"])
    User.objects.create_user("bob")
    owner.post("/admin/accounts/worldrole/add/", {"user": "bob", "world": "alpha", "role": "risk"})
    held = WorldRole.objects.get(user__username="bob")
    assert held.role == "risk"
    owner.post(f"/admin/accounts/worldrole/{held.pk}/take_away/", {"_form_submitted": "True"})
    assert not WorldRole.objects.filter(user__username="bob").exists()
    acts = AuditEntry.objects.filter(stream="alpha", actor="ann").values_list("action", flat=True)
    assert sorted(acts) == ["role.grant", "role.revoke"]


def test_roles_in_a_world_of_others_are_not_given(staff: Staff, root: ApiClient, alpha: str) -> None:
    root.make_world("other")
    owner = staff("ann", roles=["owner"])
    page = owner.post("/admin/accounts/worldrole/add/", {"user": "ann", "world": "other", "role": "owner"})
    assert page.context["form"].errors["world"]
    assert not WorldRole.objects.filter(user__username="ann", world_id="other").exists()


def test_a_token_is_revoked(boss: Client, root: ApiClient) -> None:
    key = AuthToken.objects.get().pk
    page = boss.post(f"/admin/knox/authtoken/{key}/revoke/", {"_form_submitted": "True"}, follow=True)
    assert "is revoked" in told(page)[0]
    assert root.get("/worlds").status_code == 401
