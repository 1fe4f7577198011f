"""The service itself, access to it, worlds and their policies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from qmtl.client.calls import Call, Pages, get, given, listed, read_once, send
from qmtl.client.documents import (
    AuditEntry,
    Description,
    EventPage,
    Health,
    Policy,
    Roles,
    Token,
    World,
    WorldMode,
)
from qmtl.client.endpoints.endpoint import endpoint, paged

WORLD = "/worlds/{world_id}"
YAML = "application/yaml"


class WorldEndpoints:
    @endpoint
    def health(self) -> Call[Health]:
        """What the service can do, and where its event streams are."""
        return get("/health", Health)

    @endpoint
    def issue_token(self, *, user: str | None = None, expires_days: int = 90) -> Call[Token]:
        """A token, shown this once; of somebody else only for superusers."""
        return send("POST", "/tokens", Token, body=given(user=user, expires_days=expires_days))

    @endpoint
    def revoke_token(self, token_key: str) -> Call[None]:
        return send("DELETE", "/tokens/{token_key}", None, token_key=token_key, no_content=True)

    @endpoint
    def roles(self, world_id: str) -> Call[Roles]:
        """Who has which roles in a world."""
        return get(f"{WORLD}/roles", Roles, world_id=world_id)

    @endpoint
    def grant_role(self, world_id: str, user: str, role: str) -> Call[Roles]:
        body = {"user": user, "role": role}
        return send("POST", f"{WORLD}/roles", Roles, body=body, repeatable=True, world_id=world_id)

    @endpoint
    def revoke_role(self, world_id: str, user: str, role: str) -> Call[Roles]:
        body = {"user": user, "role": role}
        return send("DELETE", f"{WORLD}/roles", Roles, body=body, repeatable=True, world_id=world_id)

    # --- worlds -----------------------------------------------------------------------------------------------
    @endpoint
    def create_world(self, /, world_id: str, **fields: Any) -> Call[World]:
        """A new world, yours. `fields` as in the spec: name, allow_live, data_presets, ... WorldExists."""
        return send("POST", "/worlds", World, body={"id": world_id, **fields}, key=True)

    @paged
    def worlds(
        self, *, state: str | None = None, owner: str | None = None, limit: int | None = None
    ) -> Pages[World]:
        """Worlds that you have a role in, newest first. `limit`: of a page."""
        return listed("/worlds", World, query=given(state=state, owner=owner, limit=limit))

    @endpoint
    def world(self, world_id: str) -> Call[World]:
        """A world; its `etag` serves as `if_match`. NotFound also where you have no role in it."""
        return get(WORLD, World, world_id=world_id)

    @endpoint
    def change_world(self, /, world_id: str, *, if_match: str | None = None, **fields: Any) -> Call[World]:
        return send("PATCH", WORLD, World, body=fields, if_match=if_match, world_id=world_id)

    @endpoint
    def retire_world(
        self, world_id: str, *, force: bool = False, reason: str | None = None, if_match: str | None = None
    ) -> Call[World]:
        """Retire it, for good. WorldHasLive unless nothing is live or it is forced."""
        query = given(force=force, reason=reason)
        return send("DELETE", WORLD, World, query=query, if_match=if_match, world_id=world_id)

    @endpoint
    def set_world_state(
        self, world_id: str, state: str, *, reason: str, if_match: str | None = None
    ) -> Call[World]:
        """ACTIVE, EVALUATION_ONLY, PAUSED or RETIRED."""
        body = {"state": state, "reason": reason}
        return send("POST", f"{WORLD}/state", World, body=body, if_match=if_match, world_id=world_id)

    @endpoint
    def set_circuit_breaker(self, world_id: str, *, engaged: bool, reason: str) -> Call[World]:
        """The kill switch: engaging it closes every gate at once, and is safe to repeat."""
        body = {"engaged": engaged, "reason": reason}
        return send(
            "POST", f"{WORLD}/circuit-breaker", World, body=body, repeatable=engaged, world_id=world_id
        )

    @endpoint
    def describe_world(self, world_id: str) -> Call[Description]:
        return get(f"{WORLD}/describe", Description, world_id=world_id)

    @endpoint
    def decide(self, world_id: str) -> Call[WorldMode]:
        """In which mode the world's strategies may act now."""
        return read_once(f"{WORLD}/decide", WorldMode, world_id=world_id)

    @paged
    def audit(
        self,
        world_id: str,
        *,
        object_id: str | None = None,
        action: str | None = None,
        limit: int | None = None,
    ) -> Pages[AuditEntry]:
        """Who did what, newest first."""
        query = given(object_id=object_id, action=action, limit=limit)
        return listed(f"{WORLD}/audit", AuditEntry, query=query, world_id=world_id)

    @endpoint
    def event_page(self, world_id: str, *, after: int = 0, limit: int | None = None) -> Call[EventPage]:
        """What is told after a sequence, at once; `Client.events` follows."""
        query = given(after=after, limit=limit)
        return get(f"{WORLD}/events", EventPage, query=query, world_id=world_id)

    # --- policies ---------------------------------------------------------------------------------------------
    @endpoint
    def publish_policy(self, world_id: str, policy: str | Mapping[str, Any]) -> Call[Policy]:
        """A new version, made the active one: YAML as text, or a document. Invalid with a pointer per fault."""
        return written_policy(f"{WORLD}/policy", policy, world_id)

    @endpoint
    def draft_policy(self, world_id: str, policy: str | Mapping[str, Any]) -> Call[Policy]:
        """A new version that judges nothing yet."""
        return written_policy(f"{WORLD}/policies", policy, world_id)

    @paged
    def policies(self, world_id: str, *, state: str | None = None, limit: int | None = None) -> Pages[Policy]:
        return listed(f"{WORLD}/policies", Policy, query=given(state=state, limit=limit), world_id=world_id)

    @endpoint
    def policy(self, world_id: str, version: int) -> Call[Policy]:
        """A version with its text as it was written and its document with every default."""
        return get(f"{WORLD}/policies/{{version}}", Policy, world_id=world_id, version=version)

    @endpoint
    def activate_policy(self, world_id: str, version: int, *, reason: str = "") -> Call[Policy]:
        """Publish a version, or roll back to it."""
        return send(
            "POST",
            f"{WORLD}/policies/{{version}}/activate",
            Policy,
            body={"reason": reason},
            world_id=world_id,
            version=version,
        )

    @endpoint
    def policy_impact(
        self, world_id: str, version: int, *, days: int | None = None, scenarios: list[str] | None = None
    ) -> Call[dict[str, Any]]:
        """What a version would change; nothing is written."""
        return send(
            "POST",
            f"{WORLD}/policies/{{version}}/impact",
            dict[str, Any],
            body=given(days=days, scenarios=scenarios),
            repeatable=True,
            world_id=world_id,
            version=version,
        )

    @endpoint
    def compare_policies(
        self,
        old: Mapping[str, Any],
        new: Mapping[str, Any],
        *,
        runs: Sequence[Mapping[str, Any]] = (),
        scenarios: Sequence[str] | None = None,
    ) -> Call[dict[str, Any]]:
        """Two policies, `{text, media}` each, over figures of runs that are sent along; nothing is kept."""
        body = given(old=old, new=new, runs=list(runs), scenarios=scenarios)
        return send("POST", "/policies/compare", dict[str, Any], body=body, repeatable=True)

    @endpoint
    def policy_schema(self) -> Call[dict[str, Any]]:
        """JSON Schema of the policy document."""
        return get("/schema/policy", dict[str, Any])


def written_policy(template: str, policy: str | Mapping[str, Any], world_id: str) -> Call[Policy]:
    if isinstance(policy, str):
        return send(
            "POST", template, Policy, content=policy.encode(), media_type=YAML, key=True, world_id=world_id
        )
    return send("POST", template, Policy, body=policy, key=True, world_id=world_id)
