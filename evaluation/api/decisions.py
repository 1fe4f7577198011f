"""HTTP of evaluating a world: decisions, their replay, promotions that wait for a person."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter

from evaluation import errors, schemas, services
from evaluation.api.queries import flag, one_of
from evaluation.models import Promotion
from evaluation.selectors import decisions as selectors
from qmtl_site.accounts.access import READ, roles
from qmtl_site.accounts.models import Role
from qmtl_site.accounts.views import ServiceView
from qmtl_site.http.conditional import immutable
from qmtl_site.http.documents import finished
from qmtl_site.http.openapi import PAGED, operation
from qmtl_site.http.pagination import page
from qmtl_site.http.refusals import IllegalTransition
from worlds.errors import BreakerEngaged, FourEyes, LiveNotAllowed, WorldRetired

STATE = OpenApiParameter("state", str, enum=Promotion.State.values)
WAIT = OpenApiParameter("wait", bool, description="While another one decides: wait for that decision.")
ASYNC = OpenApiParameter("async", bool, description="Only ask for it: 202, and a worker evaluates.")


class Evaluate(ServiceView):
    access: ClassVar = {"POST": roles(Role.OPERATOR)}

    @operation(
        "Evaluate a world now",
        request=schemas.EvaluateRequest,
        response=schemas.DecisionDocument,
        also={202: schemas.EvaluationStarted},
        parameters=[WAIT, ASYNC],
        refused=[errors.EvaluationInProgress, WorldRetired, IllegalTransition],
    )
    def post(self, request: Any, world_id: str) -> HttpResponse:
        wanted = self.body(schemas.EvaluateRequest)
        params = request.query_params
        if flag(params, "async"):
            services.request_evaluation(world_id=world_id, actor=self.actor)
            link = f"/worlds/{world_id}/decisions"
            started = {"world_id": world_id, "status": "requested", "links": {"decisions": link}}
            return self.reply(started, status=202, location=link)
        body = services.evaluate_world(
            world_id=world_id,
            actor=self.actor,
            as_of=wanted.as_of,
            dry_run=wanted.dry_run,
            wait=flag(params, "wait"),
        )
        return finished(body, Cache_Control="no-cache")


class Decisions(ServiceView):
    access: ClassVar = {"GET": READ}

    @operation("Decisions of a world", response=schemas.DecisionPage, parameters=PAGED)
    def get(self, request: Any, world_id: str) -> HttpResponse:
        rows = selectors.decisions_of(world_id)
        return self.reply(page(rows, request.query_params, selectors.decision_summary))


class DecisionItem(ServiceView):
    access: ClassVar = {"GET": READ}

    @operation(
        "A decision with the trace of every candidate", response=schemas.DecisionDocument, conditional=True
    )
    def get(self, request: Any, world_id: str, decision_id: str) -> HttpResponse:
        found = selectors.get_decision(world_id, decision_id)
        if decision_id == "latest":
            return finished(bytes(found.document), Cache_Control="no-cache")
        return immutable(request, bytes(found.document), found.sha256)


class Replay(ServiceView):
    access: ClassVar = {"POST": READ}

    @operation("Make a decision again from its inputs", response=schemas.Replay)
    def post(self, request: Any, world_id: str, decision_id: str) -> HttpResponse:
        decision_id = selectors.get_decision(world_id, decision_id).decision_id
        return self.reply(services.replay_decision(world_id=world_id, decision_id=decision_id))


class Promotions(ServiceView):
    access: ClassVar = {"GET": READ}

    @operation(
        "Promotions that wait for approval, or did",
        response=schemas.PromotionPage,
        parameters=[*PAGED, STATE],
    )
    def get(self, request: Any, world_id: str) -> HttpResponse:
        rows, params = selectors.promotions_of(world_id), request.query_params
        if state := one_of(params, "state", Promotion.State.values):
            rows = rows.filter(state=state)
        return self.reply(page(rows, params, selectors.promotion_document))


class ApprovePromotion(ServiceView):
    # The policy names who approves; it may be any of these.
    access: ClassVar = {"POST": roles(Role.RISK, Role.OPERATOR)}

    @operation(
        "Approve a promotion",
        request=schemas.Reason,
        response=schemas.PromotionDocument,
        refused=[BreakerEngaged, FourEyes, IllegalTransition, LiveNotAllowed, WorldRetired],
    )
    def post(self, request: Any, world_id: str, promotion_id: int) -> HttpResponse:
        reason = self.body(schemas.Reason).reason
        found = services.approve_promotion(
            world_id=world_id, promotion_id=promotion_id, reason=reason, actor=self.actor
        )
        return self.reply(selectors.promotion_document(found))


class RejectPromotion(ServiceView):
    access: ClassVar = {"POST": roles(Role.RISK, Role.OPERATOR)}

    @operation(
        "Reject a promotion",
        request=schemas.Reason,
        response=schemas.PromotionDocument,
        refused=[FourEyes, IllegalTransition, WorldRetired],
    )
    def post(self, request: Any, world_id: str, promotion_id: int) -> HttpResponse:
        reason = self.body(schemas.Reason).reason
        found = services.reject_promotion(
            world_id=world_id, promotion_id=promotion_id, reason=reason, actor=self.actor
        )
        return self.reply(selectors.promotion_document(found))
