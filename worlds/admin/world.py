"""The world's pages: its state at a glance, its settings, and the doors that change them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.safestring import SafeString
from unfold.enums import ActionVariant

from qmtl_site.accounts.access import roles
from qmtl_site.accounts.admin_actor import actor_of_admin, admits
from qmtl_site.accounts.models import Role
from qmtl_site.blobs.store import BlobCorrupt
from qmtl_site.pages.badge import badge
from qmtl_site.pages.columns import column, moment
from qmtl_site.pages.door import REFUSED, door, opens_page, pass_through, refuse_into
from qmtl_site.pages.filters import one_of
from qmtl_site.pages.panel import panels_on
from qmtl_site.pages.scope import is_superuser, list_url, named_url, url_of
from qmtl_site.pages.window import Window
from worlds import services
from worlds.admin.broker import BrokerForm, shown_settings
from worlds.admin.forms import SettingsForm, StateForm, WorldForm, settings_of
from worlds.models import World
from worlds.schemas import WorldCreate, WorldPatch
from worlds.selectors import benchmark_summary, broker_settings, visible_worlds

# The same declarations as on the API's views.
CHANGE_STATE = roles(Role.OPERATOR)
ENGAGE = roles(Role.OPERATOR)
RESET = roles(Role.RISK)
EDIT = roles(Role.OWNER)


@admin.register(World)
class WorldAdmin(Window):
    world_path = "pk"
    page_template = "pages/world.html"
    list_display = (
        "id",
        "name",
        "state_badges",
        "policy",
        "owner",
        "allow_live",
        "since",
        "due",
        "created",
    )
    list_filter = (one_of("state", "state", World.State.values),)
    list_filter_submit = True
    search_fields = ("id__istartswith", "name__icontains")
    search_help_text = "Id or name"
    ordering = ("-created_at", "-id")
    actions_detail: ClassVar = [
        "change_state",
        "engage_breaker",
        "reset_breaker",
        "edit_settings",
        "set_broker",
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[World]:
        return visible_worlds(user_id=request.user.pk or 0, is_superuser=is_superuser(request))

    since = moment("state_since", "Since")
    due = moment("next_evaluation_at", "Next evaluation")
    created = moment("created_at", "Created")

    @column("State", ordering="state")
    def state_badges(self, world: World) -> SafeString:
        breaker = badge("breaker engaged") if world.circuit_breaker else SafeString("")
        return badge(world.state) + SafeString(" ") + breaker

    @column("Active policy")
    def policy(self, world: Any) -> str:
        return f"v{world.active_policy_version}" if world.active_policy_version else ""

    def page(self, request: HttpRequest, row: World) -> Mapping[str, Any]:
        return {
            "world": row,
            "benchmark": benchmark_or_reason(row),
            "audit_url": list_url("audit.auditentry", stream=row.pk),
            "events_url": list_url("outbox.outboxevent", stream=row.pk),
            "panels": panels_on("worlds.world", request, row),
        }

    # --- doors ------------------------------------------------------------------------------------------
    def may(self, request: HttpRequest, access: Any, object_id: Any) -> bool:
        """The role in the world of the URL; the state form needs that world as well."""
        world = self.find(request, object_id)
        request.world_of_dialog = world  # type: ignore[attr-defined]
        return world is not None and admits(request, access, world.pk)

    def has_change_state_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self.may(request, CHANGE_STATE, object_id)

    def has_engage_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self.may(request, ENGAGE, object_id)

    def has_reset_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self.may(request, RESET, object_id)

    def has_edit_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self.may(request, EDIT, object_id)

    def closed_doors(self, row: World) -> Collection[str]:
        closed = {"engage_breaker" if row.circuit_breaker else "reset_breaker"}
        return closed | (
            {"change_state", "edit_settings", "engage_breaker", "set_broker"} if row.is_retired else set()
        )

    @door(
        "Change state", needs="change_state", submit="Change state", form=StateForm, icon="swap_horiz",
        says="Leaving ACTIVE closes every open gate in the same transaction. Retiring is final.",
    )  # fmt: skip
    def change_state(self, request: HttpRequest, form: StateForm, object_id: str) -> HttpResponse:
        world, given = self.seen(request, object_id), form.cleaned_data

        def change() -> World:
            return services.change_world_state(
                world_id=world.pk,
                state=given["state"],
                reason=given["reason"],
                actor=actor_of_admin(request, world.pk),
            )

        done = f"{world.pk} is now {World.State(given['state']).label}."
        return pass_through(request, change, done=done, back=url_of(world))

    @door(
        "Engage breaker", needs="engage", submit="Engage", icon="emergency_home",
        variant=ActionVariant.DANGER, says="Closes every gate of the world at once, until it is reset.",
    )  # fmt: skip
    def engage_breaker(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        return self.switch(request, form, object_id, engaged=True)

    @door(
        "Reset breaker", needs="reset", submit="Reset", icon="restart_alt",
        says="Opens nothing by itself: the next plan does.",
    )  # fmt: skip
    def reset_breaker(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        return self.switch(request, form, object_id, engaged=False)

    def switch(self, request: HttpRequest, form: Any, object_id: str, *, engaged: bool) -> HttpResponse:
        world = self.seen(request, object_id)

        def change() -> World:
            return services.switch_circuit_breaker(
                world_id=world.pk,
                engaged=engaged,
                reason=form.cleaned_data["reason"],
                actor=actor_of_admin(request, world.pk),
            )

        done = f"The circuit breaker of {world.pk} is {'engaged' if engaged else 'reset'}."
        return pass_through(request, change, done=done, back=url_of(world))

    @opens_page("Settings", needs="edit", path="settings", icon="tune")
    def edit_settings(self, request: HttpRequest, object_id: str) -> HttpResponse:
        world = self.seen(request, object_id)
        form = SettingsForm(request.POST or None, initial=settings_of(world))
        if world.figures_frozen_at is not None:
            form.freeze()
        if form.is_valid():
            # If-Match: what somebody else has changed meanwhile is not overwritten.
            headers = {"If-Match": form.cleaned_data["revision"]} if form.cleaned_data["revision"] else {}
            try:
                fields = WorldPatch.model_validate(form.changes())
                actor = actor_of_admin(request, world.pk)
                services.update_world(world_id=world.pk, fields=fields, actor=actor, headers=headers)
            except REFUSED as error:
                refuse_into(form, error)
            else:
                messages.success(request, "The settings are changed.")
                return HttpResponseRedirect(url_of(world))
        return self.render(
            request,
            "pages/form.html",
            title=f"Settings of {world}",
            original=world,
            form=form,
            back=url_of(world),
        )

    @opens_page("Broker", needs="edit", path="broker", icon="account_balance")
    def set_broker(self, request: HttpRequest, object_id: str) -> HttpResponse:
        world = self.seen(request, object_id)
        form = BrokerForm(request.POST or None, initial=shown_settings(world))
        if form.is_valid():
            known = broker_settings(world.pk)
            try:
                services.set_broker(
                    world_id=world.pk,
                    fields=form.settings({} if known is None else known.paper),
                    actor=actor_of_admin(request, world.pk),
                    reason=form.cleaned_data["reason"],
                    headers={"If-Match": form.cleaned_data["revision"]},
                )
            except REFUSED as error:
                refuse_into(form, error)
            else:
                messages.success(request, "The broker is set.")
                return HttpResponseRedirect(url_of(world))
        title = f"Broker of {world}"
        return self.render(
            request, "pages/form.html", title=title, original=world, form=form, back=url_of(world)
        )

    # --- a new world ------------------------------------------------------------------------------------
    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("worlds.add_world"))

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = WorldForm(request.POST or None)
        if form.is_valid():
            try:
                fields = WorldCreate.model_validate(form.changes())
                world = services.create_world(fields=fields, actor=actor_of_admin(request))
            except REFUSED as error:
                refuse_into(form, error)
            else:
                messages.success(request, f"The world {world.pk} is created. It needs a policy next.")
                return HttpResponseRedirect(named_url("worlds.world", world.pk))
        return self.render(
            request, "pages/form.html", title="New world", form=form, back=list_url("worlds.world")
        )


def benchmark_or_reason(world: World) -> dict[str, Any] | None:
    """The page of a world must open most of all when something is broken."""
    try:
        return benchmark_summary(world)
    except BlobCorrupt as lost:
        return {"lost": str(lost)}
