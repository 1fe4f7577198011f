"""Gates of a world: what they are told, what shuts them, who holds them; and the list of all worlds' gates."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString

from qmtl_site.accounts.access import roles
from qmtl_site.accounts.admin_actor import actor_of_admin, admits
from qmtl_site.accounts.models import Role
from qmtl_site.pages.badge import badge
from qmtl_site.pages.columns import column, number, state
from qmtl_site.pages.door import door, pass_through
from qmtl_site.pages.filters import one_of
from qmtl_site.pages.scope import url_of, visible
from qmtl_site.pages.window import Window
from strategies import services
from strategies.admin.gates_page import gates_page
from strategies.models import GateAuthority
from strategies.selectors.shown import listed_authorities
from worlds.models import World

# The same declaration as on the API's views.
OPERATE = roles(Role.OPERATOR)


@admin.register(GateAuthority)
class GatesAdmin(Window):
    world_path = "world_id"
    page_template = "pages/gates.html"
    list_display = ("gates", "state_badge", "breaker", "real_orders", "figure_live", "figure_open", "apply",
                    "epoch")  # fmt: skip
    list_filter = (one_of("state", "world__state", World.State.values),)
    list_filter_submit = True
    search_fields = ("world__id__istartswith", "world__name__icontains")
    search_help_text = "World"
    ordering = ("world_id",)
    actions_detail: ClassVar = ["clear_hits"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return visible(request, listed_authorities(), self.world_path)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        context = {**(extra_context or {}), "title": "Gates of worlds"}
        response: HttpResponse = super().changelist_view(request, context)
        return response

    state_badge = state("world.state", "State", ordering="world__state")

    @column("World", ordering="world_id")
    def gates(self, row: GateAuthority) -> str:
        return row.world_id

    @column("Breaker", ordering="world__circuit_breaker")
    def breaker(self, row: GateAuthority) -> SafeString:
        return badge("breaker engaged") if row.world.circuit_breaker else badge("")

    @column("Real orders", ordering="world__allow_live")
    def real_orders(self, row: GateAuthority) -> SafeString:
        return badge("allowed", "good") if row.world.allow_live else badge("not allowed", "mute")

    @column("Live strategies", ordering="live_gates")
    def figure_live(self, row: Any) -> SafeString:
        return number(str(row.live_gates))

    @column("Open gates", ordering="open_gates")
    def figure_open(self, row: Any) -> SafeString:
        return number(str(row.open_gates))

    @column("Apply in flight", ordering="in_flight")
    def apply(self, row: Any) -> SafeString:
        return badge(row.in_flight)

    @column("Newest epoch")
    def epoch(self, row: GateAuthority) -> str:
        return f"{row.incarnation}.{row.number}"

    def page(self, request: HttpRequest, row: GateAuthority) -> Mapping[str, Any]:
        # The trail at the top leads back to the world, whose page this is a part of.
        shown = {"original": row.world, "opts": World._meta, "title": f"Gates of {row.world_id}"}
        return {**shown, **gates_page(request, row, may=admits(request, OPERATE, row.world_id))}

    # --- the door ---------------------------------------------------------------------------------------
    def has_operate_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        row = self.find(request, object_id)
        return row is not None and admits(request, OPERATE, row.world_id)

    def closed_doors(self, row: GateAuthority) -> Collection[str]:
        return set() if row.cross_context_hits else {"clear_hits"}

    @door(
        "Clear cache hits", needs="operate", submit="Clear", icon="mop",
        says="Runners of this world have read caches of another context, so nothing opens. Clear the count when "
             "you know why, and it cannot happen again.",
    )  # fmt: skip
    def clear_hits(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        row = self.seen(request, object_id)

        def change() -> None:
            services.clear_hits(
                world_id=row.world_id,
                reason=form.cleaned_data["reason"],
                actor=actor_of_admin(request, row.world_id),
            )

        return pass_through(request, change, done="The cache hits are cleared.", back=url_of(row))
