"""HTTP of worlds, their policies, audit and events."""

from __future__ import annotations

from typing import Any, ClassVar

import orjson
from django.conf import settings
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter

from qmtl_site.accounts.access import PUBLIC, READ, TOKEN, permission, roles
from qmtl_site.accounts.models import Role
from qmtl_site.accounts.views import ServiceView
from qmtl_site.audit.models import AuditEntry
from qmtl_site.http.documents import RawParser, finished
from qmtl_site.http.openapi import IDEMPOTENCY_KEY, PAGED, operation
from qmtl_site.http.pagination import page
from qmtl_site.http.refusals import IllegalTransition, Invalid, PreconditionFailed
from qmtl_site.outbox import events
from qmtl_site.outbox.asked import LONGEST_WAIT, asked
from qmtl_site.outbox.errors import ServedByStream
from worlds import errors, schemas, services
from worlds.domain.policy import policy_schema
from worlds.models import PolicyVersion, World
from worlds.selectors import (
    benchmark_summary,
    get_policy,
    get_world,
    policies_of,
    policy_detail,
    policy_summary,
    visible_worlds,
    world_document,
)

IF_MATCH = OpenApiParameter(
    "If-Match", str, OpenApiParameter.HEADER, description="ETag that must still hold."
)
STATE = OpenApiParameter("state", str, enum=World.State.values)
OWNER = OpenApiParameter("owner", str, description="User name.")


class Worlds(ServiceView):
    access: ClassVar = {"GET": TOKEN, "POST": permission("worlds.add_world")}

    @operation(
        "Worlds that you have a role in", response=schemas.WorldPage, parameters=[*PAGED, STATE, OWNER]
    )
    def get(self, request: Any) -> HttpResponse:
        rows = visible_worlds(user_id=request.user.id, is_superuser=request.user.is_superuser)
        params = request.query_params
        if state := params.get("state"):
            if state not in World.State.values:
                raise Invalid.at("?state", f"state is one of {', '.join(World.State.values)}")
            rows = rows.filter(state=state)
        if owner := params.get("owner"):
            rows = rows.filter(owner__username=owner.replace("\0", ""))
        return self.reply(page(rows, params, world_document))

    @operation(
        "Create a world",
        request=schemas.WorldCreate,
        response=schemas.WorldDocument,
        status=201,
        parameters=[IDEMPOTENCY_KEY],
        refused=[errors.WorldExists],
    )
    def post(self, request: Any) -> HttpResponse:
        fields = self.body(schemas.WorldCreate)

        def create() -> HttpResponse:
            world = get_world(services.create_world(fields=fields, actor=self.actor).id)
            return self.reply(
                document(world), status=201, etag=str(world.revision), location=f"/worlds/{world.id}"
            )

        return self.once(create)


def document(world: World) -> dict[str, Any]:
    return {**world_document(world), "benchmark": benchmark_summary(world)}


class WorldItem(ServiceView):
    access: ClassVar = {"GET": READ, "PATCH": roles(Role.OWNER), "DELETE": roles(Role.OPERATOR)}

    @operation("A world", response=schemas.WorldDocument)
    def get(self, request: Any, world_id: str) -> HttpResponse:
        world = get_world(world_id)
        return self.reply(document(world), etag=str(world.revision))

    @operation(
        "Change a world's settings",
        request=schemas.WorldPatch,
        response=schemas.WorldDocument,
        parameters=[IF_MATCH],
        refused=[errors.FourEyes, errors.WorldRetired, PreconditionFailed],
    )
    def patch(self, request: Any, world_id: str) -> HttpResponse:
        fields = self.body(schemas.WorldPatch)
        services.update_world(world_id=world_id, fields=fields, actor=self.actor, headers=request.headers)
        return self.get(request, world_id)

    @operation(
        "Retire a world",
        response=schemas.WorldDocument,
        parameters=[OpenApiParameter("force", bool), OpenApiParameter("reason", str), IF_MATCH],
        refused=[errors.WorldRetired, errors.WorldHasLive, PreconditionFailed],
    )
    def delete(self, request: Any, world_id: str) -> HttpResponse:
        force = request.query_params.get("force", "false").lower()
        if force not in {"true", "false"}:
            raise Invalid.at("?force", "force is true or false")
        services.change_world_state(
            world_id=world_id,
            state="RETIRED",
            reason=request.query_params.get("reason", "deleted").replace("\0", "")[:2000],
            actor=self.actor,
            force=force == "true",
            headers=request.headers,
        )
        return self.get(request, world_id)


class WorldState(ServiceView):
    access: ClassVar = {"POST": roles(Role.OPERATOR)}

    @operation(
        "Move a world by its lifecycle",
        request=schemas.StateChange,
        response=schemas.WorldDocument,
        parameters=[IF_MATCH],
        refused=[errors.WorldRetired, errors.WorldHasLive, IllegalTransition, PreconditionFailed],
    )
    def post(self, request: Any, world_id: str) -> HttpResponse:
        change = self.body(schemas.StateChange)
        services.change_world_state(
            world_id=world_id,
            state=change.state,
            reason=change.reason,
            actor=self.actor,
            headers=request.headers,
        )
        world = get_world(world_id)
        return self.reply(document(world), etag=str(world.revision))


class CircuitBreaker(ServiceView):
    access: ClassVar = {"POST": roles(Role.OPERATOR, Role.RISK)}

    @operation(
        "Engage or reset the kill switch",
        request=schemas.BreakerChange,
        response=schemas.WorldDocument,
        refused=[errors.FourEyes],
    )
    def post(self, request: Any, world_id: str) -> HttpResponse:
        change = self.body(schemas.BreakerChange)
        services.switch_circuit_breaker(
            world_id=world_id, engaged=change.engaged, reason=change.reason, actor=self.actor
        )
        world = get_world(world_id)
        return self.reply(document(world), etag=str(world.revision))


class PolicyWriter(ServiceView):
    """The body is kept as it was written, so it is not parsed on the way in."""

    parser_classes = [RawParser]
    publish = True
    access: ClassVar = {"POST": roles(Role.OWNER)}

    def write(self, request: Any, world_id: str) -> HttpResponse:
        media = "yaml" if "yaml" in (request.content_type or "") else "json"
        raw = request.data if isinstance(request.data, bytes) else b""

        def create() -> HttpResponse:
            policy = services.write_policy(
                world_id=world_id,
                source=raw,
                media=media,  # type: ignore[arg-type]
                actor=self.actor,
                publish=self.publish,
            )
            location = f"/worlds/{world_id}/policies/{policy.version}"
            return self.reply(policy_summary(policy), status=201, location=location)

        return self.once(create)


POLICY_BODY = {"application/json": OpenApiTypes.OBJECT, "application/yaml": OpenApiTypes.STR}


class ActivePolicy(PolicyWriter):
    @operation(
        "Write a policy and make it the active one",
        request=POLICY_BODY,
        response=schemas.PolicySummary,
        status=201,
        parameters=[IDEMPOTENCY_KEY],
        refused=[errors.FourEyes, errors.WorldRetired],
    )
    def post(self, request: Any, world_id: str) -> HttpResponse:
        return self.write(request, world_id)


class Policies(PolicyWriter):
    publish = False
    access: ClassVar = {"GET": READ, "POST": roles(Role.OWNER)}

    @operation(
        "Policy versions of a world",
        response=schemas.PolicyPage,
        parameters=[*PAGED, OpenApiParameter("state", str, enum=PolicyVersion.State.values)],
    )
    def get(self, request: Any, world_id: str) -> HttpResponse:
        rows = policies_of(world_id)
        if state := request.query_params.get("state"):
            if state not in PolicyVersion.State.values:
                raise Invalid.at("?state", f"state is one of {', '.join(PolicyVersion.State.values)}")
            rows = rows.filter(state=state)
        return self.reply(page(rows, request.query_params, policy_summary))

    @operation(
        "Keep a policy as a draft",
        request=POLICY_BODY,
        response=schemas.PolicySummary,
        status=201,
        parameters=[IDEMPOTENCY_KEY],
        refused=[errors.WorldRetired],
    )
    def post(self, request: Any, world_id: str) -> HttpResponse:
        return self.write(request, world_id)


class PolicyItem(ServiceView):
    access: ClassVar = {"GET": READ}

    @operation("A policy version with its text", response=schemas.PolicyDetail)
    def get(self, request: Any, world_id: str, version: int) -> HttpResponse:
        return self.reply(policy_detail(get_policy(world_id, version)))


class PolicyActivation(ServiceView):
    access: ClassVar = {"POST": roles(Role.OWNER, Role.RISK)}

    @operation(
        "Publish a policy version, or roll back to it",
        request=schemas.ActivatePolicy,
        response=schemas.PolicySummary,
        refused=[errors.FourEyes, errors.WorldRetired, IllegalTransition],
    )
    def post(self, request: Any, world_id: str, version: int) -> HttpResponse:
        change = self.body(schemas.ActivatePolicy)
        services.publish_policy(world_id=world_id, version=version, actor=self.actor, reason=change.reason)
        return self.reply(policy_summary(get_policy(world_id, version)))


class Audit(ServiceView):
    access: ClassVar = {"GET": READ}

    @operation(
        "Who did what, newest first; hash chained",
        response=schemas.AuditPage,
        parameters=[*PAGED, OpenApiParameter("object_id", str), OpenApiParameter("action", str)],
    )
    def get(self, request: Any, world_id: str) -> HttpResponse:
        rows = AuditEntry.objects.filter(stream=world_id)
        for name in ("object_id", "action"):
            if value := request.query_params.get(name):
                rows = rows.filter(**{name: value.replace("\0", "")})
        return self.reply(page(rows, request.query_params, audit_document, created="at"))


def audit_document(entry: AuditEntry) -> dict[str, Any]:
    shown = ("sequence", "at", "actor", "actor_label", "action", "object_type", "object_id", "request_id")
    return {
        **{name: getattr(entry, name) for name in shown},
        "details": orjson.loads(entry.details),
        "previous_hash": entry.previous_hash,
        "hash": entry.hash,
    }


class Events(ServiceView):
    access: ClassVar = {"GET": READ}

    """The plain page. What stays open (`wait`, `Accept: text/event-stream`) the stream process serves."""

    @operation(
        "Events of a world after a sequence, oldest first",
        response=schemas.EventPage,
        parameters=[
            OpenApiParameter("after", {"type": "integer", "minimum": 0}, description="Sequence; default 0."),
            PAGED[0],
            OpenApiParameter(
                "wait",
                {"type": "number", "minimum": 0, "maximum": LONGEST_WAIT},
                description="Long poll: seconds to wait for the first event (at QMTL_STREAM_URL).",
            ),
            OpenApiParameter(
                "Last-Event-ID",
                {"type": "integer", "minimum": 0},
                OpenApiParameter.HEADER,
                description="With `Accept: text/event-stream` (at QMTL_STREAM_URL): resume after this sequence.",
            ),
        ],
        refused=[ServedByStream],
    )
    def get(self, request: Any, world_id: str) -> HttpResponse:
        wanted = asked(request.query_params, request.headers)
        wanted.refuse_future(world_id, events.head(world_id))
        if wanted.stays_open:
            url = f"{settings.STREAM_URL}{request.get_full_path()}"
            raise ServedByStream(f"Ask {settings.STREAM_URL} for it", stream_url=url)
        documents, following = events.read(world_id, after=wanted.after, limit=wanted.limit)
        return finished(events.page_of(documents, following))


class PolicySchema(ServiceView):
    access: ClassVar = {"GET": PUBLIC}

    @operation("JSON Schema of the policy document", response=OpenApiTypes.OBJECT)
    def get(self, request: Any) -> HttpResponse:
        return self.reply(policy_schema())
