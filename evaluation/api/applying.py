"""HTTP of applies as they are asked for, of manual commands, and of a world's decision envelope."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import HttpResponse

from evaluation import schemas, services
from evaluation.selectors.deciding import decision_envelope
from qmtl_site.accounts.access import READ, TOKEN, roles
from qmtl_site.accounts.models import Role
from qmtl_site.accounts.selectors import in_world
from qmtl_site.accounts.views import AdmittedRead, ServiceView
from qmtl_site.http.conditional import is_known
from qmtl_site.http.openapi import operation
from qmtl_site.http.refusals import Forbidden, IllegalTransition, NotFound
from strategies.errors import (
    AlreadyLive,
    AnotherPlan,
    ApplyInProgress,
    CrossContext,
    FingerprintMissing,
    NoSlot,
    NotLive,
)
from strategies.schemas import ApplyDocument
from strategies.selectors import applies_of, apply_document
from worlds.errors import BreakerEngaged, FourEyes, LiveNotAllowed, WorldRetired

AGAINST_OPENING = [
    AlreadyLive,
    ApplyInProgress,
    BreakerEngaged,
    CrossContext,
    FingerprintMissing,
    IllegalTransition,
    LiveNotAllowed,
    NoSlot,
    NotLive,
    WorldRetired,
]


class ApplyPlan(ServiceView):
    access: ClassVar = {"POST": roles(Role.OPERATOR)}

    @operation(
        "Apply a plan, or the newest decision",
        request=schemas.ApplyRequest,
        response=ApplyDocument,
        status=202,
        also={200: ApplyDocument},
        refused=[AnotherPlan, *AGAINST_OPENING],
    )
    def post(self, request: Any, world_id: str) -> HttpResponse:
        wanted = self.body(schemas.ApplyRequest)
        known = applies_of(world_id).filter(run_id=wanted.run_id).exists()
        apply = self.begin(world_id, wanted)
        location = f"/worlds/{world_id}/applies/{apply.run_id}"
        return self.reply(apply_document(apply), status=200 if known else 202, location=location)

    def begin(self, world_id: str, wanted: schemas.ApplyRequest) -> Any:
        reason = wanted.reason or ""
        if wanted.plan is None:
            return services.apply_decision(
                world_id=world_id,
                decision_id=str(wanted.decision_id),
                run_id=wanted.run_id,
                reason=reason,
                actor=self.actor,
                confirmed=True,
            )
        return services.apply_plan(
            world_id=world_id,
            run_id=wanted.run_id,
            activate=[
                services.Wanted(each.strategy_id, each.weight, each.side) for each in wanted.plan.activate
            ],
            deactivate=wanted.plan.deactivate,
            reason=reason,
            actor=self.actor,
        )


class CommandStrategy(ServiceView):
    """The world stands in the body, so that the role is checked when it has been read."""

    command: services.Command = "activate"
    access: ClassVar = {"POST": TOKEN}

    def run(self, strategy_id: str) -> HttpResponse:
        wanted = self.body(schemas.CommandBody)
        actor = in_world(self.actor, wanted.world_id)
        if not (actor.is_superuser or actor.roles):
            raise NotFound("There is no such world, or you have no role in it")
        if not actor.has_any_role("operator", "owner"):
            raise Forbidden("This needs one of the roles operator, owner in the world")
        answer = services.command_strategy(
            world_id=wanted.world_id,
            strategy_id=strategy_id,
            command=self.command,
            reason=wanted.reason,
            actor=actor,
        )
        return self.reply(answer, status=200 if answer["status"] == "done" else 202)


class ActivateStrategy(CommandStrategy):
    @operation(
        "Start a strategy, or send it live by hand",
        request=schemas.CommandBody,
        response=schemas.CommandAnswer,
        also={202: schemas.CommandAnswer},
        refused=[FourEyes, *AGAINST_OPENING],
    )
    def post(self, request: Any, strategy_id: str) -> HttpResponse:
        return self.run(strategy_id)


class DeactivateStrategy(CommandStrategy):
    command = "deactivate"

    @operation(
        "Stop a strategy by hand",
        request=schemas.CommandBody,
        response=schemas.CommandAnswer,
        also={202: schemas.CommandAnswer},
        refused=[ApplyInProgress, IllegalTransition, NotLive, WorldRetired],
    )
    def post(self, request: Any, strategy_id: str) -> HttpResponse:
        return self.run(strategy_id)


class Decide(AdmittedRead):
    access: ClassVar = {"GET": READ}

    @operation(
        "The mode in which a world's strategies may act now",
        response=schemas.DecisionEnvelope,
        conditional=True,
    )
    def get(self, request: Any, world_id: str) -> HttpResponse:
        document = decision_envelope(self.digest(request), world_id)
        if is_known(request, document["etag"]):
            return self.reply(None, status=304, etag=document["etag"])
        return self.reply(document, etag=document["etag"])
