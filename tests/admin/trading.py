"""A world that trades: strategies in dry run and live, gates that are held, applies in each of their phases."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from qmtl_site.audit.actor import Actor
from strategies import services
from strategies.domain.plans import Closing, Opening, Plan
from strategies.models import Apply, Binding, GateClient
from tests.api import ApiClient, body
from worlds.models import World

ACTOR = Actor.service("test")
REASON = {"_form_submitted": "True", "reason": "looked at it twice"}


def make_trading(api: ApiClient, *names: str) -> str:
    """`alpha` may trade, and has decided lately; `a`, `b` and `c` (or `names`) are in dry run."""
    api.make_world(allow_live=True)
    for name in names or ("a", "b", "c"):
        api.make_strategy(name)
        api.post("/worlds/alpha/bindings", {"strategies": [name]})
    for row in Binding.objects.filter(state="submitted"):
        for by in ("start_validation", "start_dry_run"):
            services.move_binding(binding=row, by=by, reason="test", actor=ACTOR)
    World.objects.update(decision_stale_at=timezone.now() + timedelta(days=1), next_evaluation_at=None)
    return "alpha"


def request(run_id: str = "one", *, reason: str = "rebalance", **plan: Any) -> Apply:
    """Begun, and not driven."""
    asked = services.Asked("alpha", run_id, Plan(**plan), reason=reason)
    return services.request_apply(asked=asked, actor=ACTOR)


def drive(apply: Apply) -> Apply:
    services.drive_apply(apply_id=apply.pk)
    apply.refresh_from_db()
    return apply


def go_live(*names: str, run_id: str = "one", weight: float = 0.25) -> Apply:
    return drive(request(run_id, openings=[Opening(name, weight) for name in names]))


def leave(*names: str, run_id: str = "two") -> Apply:
    return drive(request(run_id, closings=[Closing(name) for name in names]))


def hold(api: ApiClient, client: str, *names: str, code: str | None = None) -> dict[str, Any]:
    """A gate client with a lease; what it was told."""
    wanted = {
        "client_id": client,
        "strategies": [{"id": n, **({"code_hash": code} if code else {})} for n in names],
    }
    answer: dict[str, Any] = body(api.post("/worlds/alpha/gates", wanted))
    return answer


def acknowledge(api: ApiClient, apply: Apply, lease: dict[str, Any]) -> None:
    asked = apply.freeze_sequence if apply.phase == "freeze" else apply.unfreeze_sequence
    said = {"phase": apply.phase, "sequence": asked, "epoch": apply.epoch}
    whose = {name: lease[name] for name in ("client_id", "lease_secret")}
    answer = api.post(f"/worlds/alpha/applies/{apply.run_id}/acks", {**whose, **said})
    assert answer.status_code == 200, answer.content


def gate_url(name: str = "a", page: str = "change") -> str:
    key = Binding.objects.get(world="alpha", strategy=name).pk
    return f"/admin/strategies/activation/{key}/{page}/"


def binding_url(name: str = "a", page: str = "change") -> str:
    return gate_url(name, page).replace("activation", "binding")


def client_url(name: str, page: str = "change") -> str:
    return f"/admin/strategies/gateclient/{GateClient.objects.get(client_id=name).pk}/{page}/"


def apply_url(apply: Apply) -> str:
    return f"/admin/strategies/apply/{apply.pk}/change/"


GATES = "/admin/strategies/gateauthority/alpha/change/"
