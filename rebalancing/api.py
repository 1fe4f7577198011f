"""HTTP of rebalancing: plan, apply, execute, and what each world has."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter

from qmtl_site.accounts.access import READ, TOKEN, roles
from qmtl_site.accounts.models import Role
from qmtl_site.accounts.views import ServiceView
from qmtl_site.http.documents import finished
from qmtl_site.http.identifiers import ID
from qmtl_site.http.openapi import IDEMPOTENCY_KEY, PAGED, operation
from qmtl_site.http.refusals import NotFound, PreconditionFailed, SchemaVersionTooLow
from rebalancing import errors, schemas, services
from rebalancing.models.execution import STATUSES
from rebalancing.selectors.allocations import allocation_documents
from rebalancing.selectors.allocators import allocator_documents
from rebalancing.selectors.executions import order_page
from rebalancing.selectors.plans import plan_bytes, readable_plan
from strategies.errors import GateClosed
from strategies.services import Claim
from worlds.errors import WorldRetired
from worlds.selectors import get_world, visible_worlds

WORLD = OpenApiParameter(
    "world_id", {"type": "string", "pattern": f"^{ID}$"}, description="Only this world's."
)

ORDER_STATUS = OpenApiParameter("status", str, enum=STATUSES, description="Only orders with it.")


class Plan(ServiceView):
    """No write, so that no count of writes is kept of it."""

    access: ClassVar = {"POST": TOKEN}
    throttle_classes = []

    @operation(
        "Plan a rebalancing: no side effect, and its worlds need not exist",
        request=schemas.PlanRequest,
        response=schemas.PlanDocument,
        refused=[SchemaVersionTooLow],
    )
    def post(self, request: Any) -> HttpResponse:
        asked = self.body(schemas.PlanRequest)
        return self.reply(services.plan_answer(asked=asked, actor=self.actor))


class Apply(ServiceView):
    access: ClassVar = {"POST": TOKEN}

    @operation(
        "Record an approved plan (operator of each of its worlds); the same run id again answers the record",
        request=schemas.ApplyPlan,
        response=schemas.PlanRecordDocument,
        status=201,
        also={200: schemas.PlanRecordDocument},
        refused=[SchemaVersionTooLow, PreconditionFailed, errors.PlanConflict, WorldRetired],
    )
    def post(self, request: Any) -> HttpResponse:
        asked = self.body(schemas.ApplyPlan)
        row, is_new = services.apply_plan(asked=asked, payload=request.data, actor=self.actor)
        response = finished(plan_bytes(row), status=201 if is_new else 200)
        response["Location"] = f"/rebalancing/runs/{row.run_id}"
        response["Cache-Control"] = "no-cache"
        return response


class Execute(ServiceView):
    access: ClassVar = {"POST": TOKEN}

    @operation(
        "Execute a recorded plan, or go on with it; nothing is filled twice",
        request=schemas.Execute,
        response=schemas.ExecutionDocument,
        refused=[
            PreconditionFailed,
            errors.ExecutionInProgress,
            errors.OpeningRefused,
            errors.NoExecutor,
            errors.PlanWithdrawn,
            WorldRetired,
        ],
    )
    def post(self, request: Any) -> HttpResponse:
        asked = self.body(schemas.Execute)
        return self.reply(
            services.execute_plan(
                run_id=asked.run_id, dry_run=asked.dry_run, reason=asked.reason or "", actor=self.actor
            )
        )


class Cancel(ServiceView):
    access: ClassVar = {"POST": TOKEN}

    @operation(
        "End an execution: nothing more is sent, what was filled stays, what is with a runner is to be taken back; or "
        "withdraw a plan that has not begun",
        request=schemas.Cancel,
        response=schemas.ExecutionDocument,
        refused=[errors.NothingToCancel],
    )
    def post(self, request: Any) -> HttpResponse:
        asked = self.body(schemas.Cancel)
        return self.reply(
            services.cancel_execution(
                run_id=asked.run_id, reason=asked.reason, abandon=asked.abandon, actor=self.actor
            )
        )


class Run(ServiceView):
    access: ClassVar = {"GET": TOKEN}

    @operation("A recorded plan (a role in each of its worlds)", response=schemas.PlanRecordDocument)
    def get(self, request: Any, run_id: str) -> HttpResponse:
        response = finished(plan_bytes(readable_plan(run_id, self.actor)))
        response["Cache-Control"] = "no-cache"
        return response


class Orders(ServiceView):
    access: ClassVar = {"GET": TOKEN}

    @operation(
        "Orders of an execution in the order in which they are sent (a role in each of its worlds)",
        response=schemas.OrderPage,
        parameters=[*PAGED, ORDER_STATUS],
    )
    def get(self, request: Any, run_id: str) -> HttpResponse:
        record = readable_plan(run_id, self.actor)
        asked = self.query(schemas.OrderQuery)
        return self.reply(order_page(record, asked.limit, asked.cursor, asked.status))


class OrderWords(ServiceView):
    access: ClassVar = {"POST": roles(Role.RUNNER)}

    @operation(
        "Say what became of handed orders that are not filled, as the runner that has them",
        request=schemas.OrderWords,
        response=schemas.WordsTaken,
        refused=[GateClosed],
    )
    def post(self, request: Any, world_id: str) -> HttpResponse:
        told = self.body(schemas.OrderWords)
        changed = services.take_words(
            world_id=world_id,
            claim=Claim(told.client_id, told.lease_secret, request.auth.digest),
            words=[services.Word(each.order_id, each.outcome, each.reason) for each in told.orders],
            actor=self.actor,
        )
        return self.reply({"changed": changed})


class Allocators(ServiceView):
    access: ClassVar = {"GET": READ}

    @operation(
        "What each allocator would give the strategies of a world, with its risk, turnover and cost",
        response=schemas.AllocatorList,
    )
    def get(self, request: Any, world_id: str) -> HttpResponse:
        return self.reply(allocator_documents(get_world(world_id)))


class Allocations(ServiceView):
    access: ClassVar = {"GET": TOKEN, "POST": TOKEN}

    @operation(
        "How much each world has, of the worlds in which you have a role",
        response=schemas.AllocationList,
        parameters=[WORLD],
    )
    def get(self, request: Any) -> HttpResponse:
        worlds = visible_worlds(user_id=request.user.id, is_superuser=request.user.is_superuser)
        wanted = self.query(schemas.AllocationQuery).world_id
        if wanted is not None:
            worlds = worlds.filter(pk=wanted)
            if not worlds.exists():
                raise NotFound("There is no such world, or you have no role in it")
        documents = allocation_documents(worlds.values_list("pk", flat=True))
        return self.reply({"allocations": documents})

    @operation(
        "Say how much each world has (operator of each), or with `execute` have it done",
        request=schemas.Allocate,
        response=schemas.AllocationUpserted,
        status=201,
        also={200: schemas.AllocationUpserted},
        parameters=[IDEMPOTENCY_KEY],
        refused=[
            PreconditionFailed,
            errors.PlanConflict,
            errors.ExecutionInProgress,
            errors.OpeningRefused,
            errors.NoExecutor,
            WorldRetired,
        ],
    )
    def post(self, request: Any) -> HttpResponse:
        asked = self.body(schemas.Allocate)

        def answer() -> HttpResponse:
            document, is_new = services.allocate(asked=asked, payload=request.data, actor=self.actor)
            return self.reply(document, status=201 if is_new else 200, etag=document["etag"])

        return self.once(answer)
