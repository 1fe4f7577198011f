"""What runners report of nodes and fills, beside the pages of worlds and bindings; and the door out of an error."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from unfold.enums import ActionVariant

from qmtl.brokers import plain
from qmtl_site.accounts.access import roles
from qmtl_site.accounts.admin_actor import actor_of_admin, admits
from qmtl_site.accounts.models import Role
from qmtl_site.audit.models import AuditEntry
from qmtl_site.pages.columns import column, moment, number, sentence, state
from qmtl_site.pages.door import door, pass_through
from qmtl_site.pages.filters import exact, one_of
from qmtl_site.pages.panel import Panel, panel_on
from qmtl_site.pages.scope import list_url, named_url, url_of
from qmtl_site.pages.window import Window
from strategies import services
from strategies.models import Binding, Fill, Node
from strategies.selectors import fills_of, nodes_in_error, nodes_of
from worlds.models import World

# The same declaration as on the API's view.
RESET = roles(Role.RUNNER, Role.OPERATOR)
ROWS, ENTRIES = 10, 20


@admin.register(Node)
class NodeAdmin(Window):
    world_path = "binding__world_id"
    page_template = "pages/node.html"
    list_display = ("name", "strategy", "world", "state_badge", "figure_bars", "wrong", "since", "reported")
    list_filter = (
        exact("world", "binding__world_id"),
        exact("strategy", "binding__strategy_id"),
        one_of("state", "state", Node.State.values),
    )
    list_filter_submit = True
    list_select_related = ("binding",)
    search_fields = ("name__istartswith", "binding__strategy__id__istartswith")
    search_help_text = "Node, or strategy"
    ordering = ("-state_since", "-id")
    actions_detail: ClassVar = ["reset"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("binding__world", "binding__strategy")

    state_badge = state("state", "State", ordering="state")
    since = moment("state_since", "Since")
    reported = moment("reported_at", "Reported")

    @column("Strategy", ordering="binding__strategy_id")
    def strategy(self, node: Node) -> str:
        return node.binding.strategy_id

    @column("World", ordering="binding__world_id")
    def world(self, node: Node) -> str:
        return node.binding.world_id

    @column("Bars")
    def figure_bars(self, node: Node) -> SafeString:
        return number(bars(node))

    @column("What went wrong")
    def wrong(self, node: Node) -> SafeString:
        return sentence(node.error, 120)

    def page(self, request: HttpRequest, row: Node) -> Mapping[str, Any]:
        of = f"{row.binding.world_id}/{row.binding.strategy_id}/{row.name}"[:400]
        entries = AuditEntry.objects.filter(
            stream=row.binding.world_id, object_type="node", object_id=of
        ).order_by("-sequence")
        return {"title": row.name, "node": row, "bars": bars(row), "entries": entries[:ENTRIES]}

    # --- the door ---------------------------------------------------------------------------------------
    def has_reset_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        row = self.find(request, object_id)
        return row is not None and admits(request, RESET, row.binding.world_id)

    def closed_doors(self, row: Node) -> Collection[str]:
        return set() if row.state == Node.State.ERROR else {"reset"}

    @door(
        "Reset", needs="reset", submit="Reset", icon="restart_alt", variant=ActionVariant.PRIMARY,
        says="Takes the node out of its error. Its strategy may do again what its state and its world allow: a gate "
             "that was told to be open opens.",
    )  # fmt: skip
    def reset(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        node = self.seen(request, object_id)

        def change() -> Node:
            return services.reset_node(
                node_id=node.pk,
                reason=form.cleaned_data["reason"],
                actor=actor_of_admin(request, node.binding.world_id),
            )

        return pass_through(request, change, done=f"{node.name} is reset.", back=url_of(node))


@admin.register(Fill)
class FillAdmin(Window):
    world_path = "binding__world_id"
    list_display = ("executed", "strategy", "world", "symbol", "side", "figure_qty", "figure_price", "figure_fee",
                    "state_mode", "order_id")  # fmt: skip
    list_filter = (
        exact("world", "binding__world_id"),
        exact("strategy", "binding__strategy_id"),
        exact("symbol", "symbol"),
        exact("order", "order_id"),
        one_of("mode", "mode", ["paper", "live"]),
    )
    list_filter_submit = True
    list_select_related = ("binding",)
    search_fields = ("symbol__istartswith", "binding__strategy__id__istartswith")
    search_help_text = "Symbol, or strategy"
    ordering = ("-ts", "-id")
    fields: ClassVar = ["binding", "fill_id", "order_id", "executed", "symbol", "venue", "side", "figure_qty",
                        "figure_price", "figure_fee", "mode", "reported_by", "reported"]  # fmt: skip
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("binding__world", "binding__strategy")

    executed = moment("ts", "Executed")
    reported = moment("reported_at", "Reported")
    state_mode = state("mode", "Mode", ordering="mode")

    @column("Strategy", ordering="binding__strategy_id")
    def strategy(self, fill: Fill) -> str:
        return fill.binding.strategy_id

    @column("World", ordering="binding__world_id")
    def world(self, fill: Fill) -> str:
        return fill.binding.world_id

    @column("Quantity")
    def figure_qty(self, fill: Fill) -> SafeString:
        return number(plain(fill.qty))

    @column("Price")
    def figure_price(self, fill: Fill) -> SafeString:
        return number(plain(fill.price))

    @column("Fee")
    def figure_fee(self, fill: Fill) -> SafeString:
        return number(plain(fill.fee))


# --- panels ---------------------------------------------------------------------------------------------
@panel_on("worlds.world", place=4)
def nodes_of_a_world(request: HttpRequest, world: World) -> Panel | None:
    """What keeps strategies to computing; nothing where all is well."""
    found = list(nodes_in_error(world.pk)[:ROWS])
    if not found:
        return None
    rows = node_rows(found, may=admits(request, RESET, world.pk))
    link = list_url("strategies.node", world=world.pk, state="error")
    return Panel("Nodes in error", "pages/panels/nodes.html", {"nodes": rows, "of_world": True}, link=link)


@panel_on("worlds.world", place=30)
def fills_of_a_world(request: HttpRequest, world: World) -> Panel | None:
    rows = Fill.objects.filter(binding__world=world).select_related("binding").order_by("-ts", "-id")[:ROWS]
    found = fill_rows(rows)
    if not found:
        return None
    link = list_url("strategies.fill", world=world.pk)
    return Panel("Newest fills", "pages/panels/fills.html", {"fills": found, "of_world": True}, link=link)


@panel_on("strategies.binding", place=6)
def nodes_of_a_binding(request: HttpRequest, binding: Binding) -> Panel | None:
    rows = node_rows(nodes_of(binding)[:200], may=admits(request, RESET, binding.world_id))
    if not rows:
        return None
    link = list_url("strategies.node", world=binding.world_id, strategy=binding.strategy_id)
    return Panel("Its nodes", "pages/panels/nodes.html", {"nodes": rows}, link=link)


@panel_on("strategies.binding", place=30)
def fills_of_a_binding(request: HttpRequest, binding: Binding) -> Panel | None:
    found = fill_rows(fills_of(binding).order_by("-ts", "-id")[:ROWS])
    if not found:
        return None
    link = list_url("strategies.fill", world=binding.world_id, strategy=binding.strategy_id)
    return Panel("Newest fills", "pages/panels/fills.html", {"fills": found}, link=link)


def node_rows(nodes: Iterable[Node], *, may: bool) -> list[dict[str, Any]]:
    return [
        {
            "node": node,
            "bars": bars(node),
            "reset_url": named_url("strategies.node", node.pk, "reset")
            if may and node.state == Node.State.ERROR
            else "",
        }
        for node in nodes
    ]


def fill_rows(fills: Iterable[Fill]) -> list[dict[str, Any]]:
    return [
        {
            "fill": fill,
            "qty": plain(fill.qty),
            "price": plain(fill.price),
            "notional": f"{fill.qty * fill.price:,.2f}",
            "fee": "–" if fill.fee == Decimal(0) else plain(fill.fee),
        }
        for fill in fills
    ]


def bars(node: Node) -> str:
    """How many of the bars that it needs have arrived."""
    if node.period is None:
        return str(node.received or "–")
    return f"{node.received} of {node.period}"
