"""Who sees which world, and who may do what in it."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from evaluation.models import EvaluationRun
from tests.admin.conftest import Staff
from tests.api import ApiClient
from worlds.models import PolicyVersion, World

pytestmark = pytest.mark.django_db

WORLD = "/admin/worlds/world/alpha"
SCOPED = (
    "worlds/world",
    "worlds/policyversion",
    "strategies/strategy",
    "strategies/binding",
    "evaluation/evaluationrun",
    "evaluation/snapshot",
    "audit/auditentry",
    "outbox/outboxevent",
    "accounts/worldrole",
)


@pytest.mark.parametrize("path", SCOPED)
def test_without_a_role_nothing_is_seen(staff: Staff, alpha: str, path: str) -> None:
    assert staff("nobody").get(f"/admin/{path}/").status_code == 403


@pytest.mark.parametrize("path", SCOPED)
def test_with_a_role_one_sees_that_world_only(staff: Staff, root: ApiClient, alpha: str, path: str) -> None:
    root.make_world("other")
    rows = staff("vic", roles=["viewer"]).get(f"/admin/{path}/").context["cl"].queryset
    assert rows
    worlds = {getattr(row, "world_id", getattr(row, "stream", getattr(row, "id", None))) for row in rows}
    assert "other" not in worlds


def test_the_overview_of_one_without_a_role_is_empty(staff: Staff, alpha: str) -> None:
    page = staff("nobody").get("/admin/")
    assert [card.total for card in page.context["cards"]] == [0, 0, 0, 0]
    assert page.context["runs"] == []


@pytest.mark.parametrize("page", ["change", "change_state", "settings"])
def test_another_world_is_not_there(staff: Staff, root: ApiClient, alpha: str, page: str) -> None:
    root.make_world("other")
    response = staff("vic", roles=["owner"]).get(f"/admin/worlds/world/other/{page}/")
    assert response.status_code in {302, 403}


def test_documents_of_another_world_are_refused(staff: Staff, root: ApiClient, alpha: str) -> None:
    root.make_world("other")
    key = EvaluationRun.objects.filter(world_id="alpha").values_list("pk", flat=True)[0]
    client = staff("vic", world="other", roles=["owner"])
    for name in ("metrics.json", "snapshot.json", "returns.parquet"):
        assert client.get(f"/admin/evaluation/evaluationrun/{key}/{name}").status_code == 403


# What the API's views declare, asked of the pages.
@pytest.mark.parametrize(
    ("role", "doors"),
    [
        ("viewer", set()),
        ("submitter", set()),
        ("operator", {"change_state", "engage_breaker"}),
        ("risk", {"reset_breaker"}),
        ("owner", {"change_state", "engage_breaker", "settings"}),
    ],
)
def test_roles_open_the_doors_that_they_open_in_the_api(
    staff: Staff, alpha: str, role: str, doors: set[str]
) -> None:
    client = staff("ann", roles=[role])
    every = ("change_state", "engage_breaker", "reset_breaker", "settings")
    assert {door for door in every if client.get(f"{WORLD}/{door}/").status_code == 200} == doors


@pytest.mark.parametrize(("role", "status"), [("operator", 403), ("owner", 200), ("risk", 200)])
def test_owner_and_risk_publish(staff: Staff, alpha: str, role: str, status: int) -> None:
    policy = PolicyVersion.objects.get()
    client = staff("ann", roles=[role])
    assert client.get(f"/admin/worlds/policyversion/{policy.pk}/publish/").status_code == status


@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("risk", 403), ("owner", 200)])
def test_owners_write_policies(staff: Staff, alpha: str, role: str, status: int) -> None:
    client = staff("ann", roles=[role])
    assert client.get("/admin/worlds/policyversion/add/?world=alpha").status_code == status


def test_a_viewer_acts_in_vain(staff: Staff, alpha: str) -> None:
    client = staff("vic", roles=["viewer"])
    form = {"_form_submitted": "True", "state": "PAUSED", "reason": "because"}
    assert client.post(f"{WORLD}/change_state/", form).status_code == 403
    assert World.objects.get().state == "ACTIVE"


def test_buttons_are_shown_to_those_who_may(staff: Staff, alpha: str) -> None:
    viewer, owner = staff("vic", roles=["viewer"]), staff("ann", roles=["owner"])
    assert b"change_state/" not in viewer.get(f"{WORLD}/change/").content
    assert b"change_state/" in owner.get(f"{WORLD}/change/").content


def test_people_see_their_own_tokens(staff: Staff, root: ApiClient, alpha: str) -> None:
    client = staff("vic", roles=["viewer"])
    root.post("/tokens", {"user": "vic"})
    tokens = client.get("/admin/knox/authtoken/").context["cl"].queryset
    assert {token.user.username for token in tokens} == {"vic"}


def test_changing_users_does_not_make_a_superuser(staff: Staff, superuser: User) -> None:
    from django.contrib.auth.models import Permission

    client = staff("clerk")
    clerk = User.objects.get(username="clerk")
    clerk.user_permissions.add(*Permission.objects.filter(content_type__app_label="auth"))
    form = {"username": "clerk", "is_staff": "on", "is_active": "on", "is_superuser": "on"}
    client.post(f"/admin/auth/user/{clerk.pk}/change/", form)
    clerk.refresh_from_db()
    assert not clerk.is_superuser
    assert client.post(f"/admin/auth/user/{superuser.pk}/change/", form).status_code == 403


def test_anonymous_people_are_asked_who_they_are(client: Client, alpha: str) -> None:
    assert client.get(f"{WORLD}/change/").status_code == 302
