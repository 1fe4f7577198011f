"""Edges between a strategy's graph and a live domain: which are on, by whom and why, and the door to set one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.safestring import SafeString
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget, UnfoldBooleanSwitchWidget

from qmtl_site.accounts.access import roles
from qmtl_site.accounts.admin_actor import actor_of_admin, admits, worlds_admitting
from qmtl_site.accounts.models import Role
from qmtl_site.audit.models import AuditEntry
from qmtl_site.pages.badge import badge
from qmtl_site.pages.columns import about, column, moment
from qmtl_site.pages.door import REFUSED, door, pass_through, refuse_into
from qmtl_site.pages.filters import exact
from qmtl_site.pages.scope import list_url, named_url, url_of
from qmtl_site.pages.window import Window
from strategies import services
from strategies.domain.plans import EdgeName
from strategies.models import EdgeOverride
from strategies.schemas import EdgeChange
from worlds.models import World

# The same declaration as on the API's view.
OVERRIDE = roles(Role.OPERATOR)
ENTRIES = 20
Text = UnfoldAdminTextInputWidget


class EdgeForm(forms.Form):
    """An edge by its two nodes."""

    world = forms.CharField(max_length=128, widget=Text(), help_text="The world's id.")
    src_node = forms.CharField(label="From node", max_length=256, widget=Text())
    dst_node = forms.CharField(label="To node", max_length=256, widget=Text())
    active = forms.BooleanField(required=False, label="On", widget=UnfoldBooleanSwitchWidget())
    reason = forms.CharField(
        min_length=3,
        max_length=2000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="Kept in the audit, with your name.",
    )


@admin.register(EdgeOverride)
class EdgeAdmin(Window):
    world_path = "world_id"
    page_template = "pages/edge.html"
    list_display = ("edge", "world", "on_badge", "by", "changed")
    list_filter = (exact("world", "world_id"), exact("from", "src_node"), exact("to", "dst_node"))
    list_filter_submit = True
    list_select_related = ("world",)
    search_fields = ("src_node__istartswith", "dst_node__istartswith")
    search_help_text = "Node"
    ordering = ("-changed_at", "-id")
    actions_detail: ClassVar = ["turn_on", "turn_off"]

    changed = moment("changed_at", "Changed")

    @column("Edge", ordering="src_node")
    def edge(self, row: EdgeOverride) -> str:
        return f"{row.src_node} → {row.dst_node}"

    @column("State", ordering="active")
    def on_badge(self, row: EdgeOverride) -> SafeString:
        return badge("on", "good") if row.active else badge("off", "mute")

    @column("By, and why")
    def by(self, row: EdgeOverride) -> SafeString:
        return about(row.changed_by, row.reason)

    def page(self, request: HttpRequest, row: EdgeOverride) -> Mapping[str, Any]:
        object_id = f"{row.world_id}/{row.src_node}>{row.dst_node}"[:400]
        entries = AuditEntry.objects.filter(stream=row.world_id, object_type="edge", object_id=object_id)
        return {
            "title": f"{row.src_node} → {row.dst_node}",
            "edge": row,
            "entries": entries.order_by("-sequence")[:ENTRIES],
            "gates_url": named_url("strategies.gateauthority", row.world_id),
        }

    # --- doors ------------------------------------------------------------------------------------------
    def has_override_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        row = self.find(request, object_id)
        return row is not None and admits(request, OVERRIDE, row.world_id)

    def closed_doors(self, row: EdgeOverride) -> Collection[str]:
        return {"turn_on" if row.active else "turn_off"}

    @door("Turn on", needs="override", submit="Turn on", icon="toggle_on", variant=ActionVariant.PRIMARY)
    def turn_on(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        return self.turn(request, form, object_id, active=True)

    @door("Turn off", needs="override", submit="Turn off", icon="toggle_off", variant=ActionVariant.DANGER)
    def turn_off(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        return self.turn(request, form, object_id, active=False)

    def turn(self, request: HttpRequest, form: Any, object_id: str, *, active: bool) -> HttpResponse:
        row = self.seen(request, object_id)

        def change() -> EdgeOverride:
            return services.override_edge(
                world_id=row.world_id,
                edge=EdgeName(row.src_node, row.dst_node),
                active=active,
                reason=form.cleaned_data["reason"],
                actor=actor_of_admin(request, row.world_id),
            )

        done = f"The edge {row.src_node} → {row.dst_node} is {'on' if active else 'off'}."
        return pass_through(request, change, done=done, back=url_of(row))

    # --- an edge that was never set ---------------------------------------------------------------------
    def has_add_permission(self, request: HttpRequest) -> bool:
        return admits(request, OVERRIDE, None)

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = EdgeForm(request.POST or None, initial={"world": request.GET.get("world", "")})
        if form.is_valid() and (row := self.set_edge(request, form)) is not None:
            messages.success(request, f"The edge {row.src_node} → {row.dst_node} is set.")
            return HttpResponseRedirect(url_of(row))
        back = list_url("strategies.edgeoverride")
        return self.render(request, "pages/form.html", title="Set an edge", form=form, back=back)

    def set_edge(self, request: HttpRequest, form: EdgeForm) -> EdgeOverride | None:
        """The edge; None, with the refusal in the form."""
        given = dict(form.cleaned_data)
        world_id = given.pop("world")
        mine = worlds_admitting(request, OVERRIDE)
        if not World.objects.filter(pk=world_id).exists() or (mine is not None and world_id not in mine):
            form.add_error("world", "There is no such world, or it is not yours.")
            return None
        try:
            wanted = EdgeChange.model_validate(given)
            return services.override_edge(
                world_id=world_id,
                edge=EdgeName(wanted.src_node, wanted.dst_node),
                active=wanted.active,
                reason=wanted.reason,
                actor=actor_of_admin(request, world_id),
            )
        except REFUSED as error:
            refuse_into(form, error)
            return None
