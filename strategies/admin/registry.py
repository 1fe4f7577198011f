"""Pages of strategies and their bindings: read-only; a strategy's owner changes it through the API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from qmtl_site.audit.models import AuditEntry
from qmtl_site.pages.columns import column, moment, number, state
from qmtl_site.pages.figures import metric_figure
from qmtl_site.pages.filters import exact, one_of
from qmtl_site.pages.panel import Panel, panel_on, panels_on
from qmtl_site.pages.scope import is_superuser, list_url, roles_by_world, visible
from qmtl_site.pages.window import Window
from strategies.models import Binding, Strategy
from strategies.selectors import mode_of, visible_strategies, with_node_errors
from worlds.models import World

SHOWN = 50
LISTED = ("sharpe", "cagr", "max_drawdown", "deflated_sharpe_ratio")
VERDICTS = ["pass", "warn", "fail", "inconclusive"]
# The columns of a table of bindings: what a quant looks at first.
COLUMNS = (
    ("returns.sharpe", "Sharpe"),
    ("returns.cagr", "CAGR"),
    ("returns.volatility", "Volatility"),
    ("returns.max_drawdown", "Max drawdown"),
    ("robustness.deflated_sharpe_ratio", "DSR"),
    ("sample.effective_history_years", "Years"),
    ("sample.n_trades_total", "Trades"),
)


@admin.register(Strategy)
class StrategyAdmin(Window):
    page_template = "pages/strategy.html"
    list_display = ("id", "name", "version", "family", "side", "owner", "updated")
    list_filter = (exact("family", "family"), one_of("side", "side", Strategy.Side.values))
    list_filter_submit = True
    search_fields = ("id__istartswith", "name__icontains")
    search_help_text = "Id or name"
    list_select_related = ("owner",)
    ordering = ("-created_at", "-id")

    updated = moment("updated_at", "Updated")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Strategy]:
        return visible_strategies(user_id=request.user.pk or 0, is_superuser=is_superuser(request))

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """`get_queryset` has chosen the strategies already: one's own, and those of one's worlds."""
        if obj is not None:
            return True
        return is_superuser(request) or bool(roles_by_world(request))

    def page(self, request: HttpRequest, row: Strategy) -> Mapping[str, Any]:
        bindings = visible(request, Binding.objects.filter(strategy=row), "world_id")
        return {
            "strategy": row,
            "model_card": orjson.dumps(row.model_card, option=orjson.OPT_INDENT_2).decode(),
            "bindings": binding_rows(bindings.select_related("world", "strategy", "latest")[:SHOWN]),
            "columns": COLUMNS,
            "panels": panels_on("strategies.strategy", request, row),
        }


@admin.register(Binding)
class BindingAdmin(Window):
    world_path = "world_id"
    page_template = "pages/binding.html"
    list_display = ("strategy", "world", "state_badge", "verdict", *(f"figure_{key}" for key in LISTED),
                    "figure_counters")  # fmt: skip
    list_filter = (
        exact("world", "world_id"),
        one_of("state", "state", Binding.State.values),
        one_of("verdict", "latest__verdict", VERDICTS),
        exact("family", "strategy__family"),
    )
    list_filter_submit = True
    search_fields = ("strategy__id__istartswith", "strategy__name__icontains")
    search_help_text = "Strategy's id or name"
    list_select_related = ("world", "strategy", "latest")
    ordering = ("-created_at", "-id")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Binding]:
        rows = super().get_queryset(request).select_related("world", "strategy", "strategy__owner", "latest")
        return with_node_errors(rows)

    state_badge = state("state", "State", ordering="state")
    verdict = state("latest.verdict", "Verdict")

    @column("Passes / fails")
    def figure_counters(self, binding: Binding) -> SafeString:
        return number(f"{binding.consecutive_passes} / {binding.consecutive_failures}")

    def page(self, request: HttpRequest, row: Binding) -> Mapping[str, Any]:
        entries = AuditEntry.objects.filter(
            stream=row.world_id, object_type="binding", object_id=f"{row.world_id}/{row.strategy_id}"
        )
        return {
            "binding": row,
            "mode": mode_of(row),
            "latest": getattr(row, "latest", None),
            "figures": figures_of(row),
            "entries": entries.order_by("-sequence")[:SHOWN],
            "panels": panels_on("strategies.binding", request, row),
        }


def figure_column(dotted: str, title: str) -> Any:
    @column(title)
    def shown(admin_page: Any, binding: Binding) -> SafeString:
        latest = getattr(binding, "latest", None)
        return number(metric_figure(dotted, latest.figures.get(dotted) if latest else None))

    return shown


for _dotted, _title in COLUMNS:
    setattr(BindingAdmin, f"figure_{_dotted.rpartition('.')[2]}", figure_column(_dotted, _title))


def figures_of(binding: Binding) -> list[tuple[str, str]]:
    """Title and figure of the binding's newest evaluated run."""
    latest = getattr(binding, "latest", None)
    known = latest.figures if latest else {}
    return [(title, metric_figure(dotted, known.get(dotted))) for dotted, title in COLUMNS]


def binding_rows(bindings: Any) -> list[dict[str, Any]]:
    return [
        {
            "binding": binding,
            "latest": getattr(binding, "latest", None),
            "mode": mode_of(binding),
            "figures": [figure for _, figure in figures_of(binding)],
        }
        for binding in bindings
    ]


@panel_on("worlds.world", place=10)
def bindings_of_a_world(request: HttpRequest, world: World) -> Panel:
    """Counts by state, and the strategies that matter most now: live, then dry run, then the newest."""
    bindings = Binding.objects.filter(world=world)
    counted = dict(bindings.order_by().values_list("state").annotate(count=Count("id")))
    rows = with_node_errors(bindings).select_related("world", "strategy", "latest")
    rows = rows.order_by("-created_at", "-id")
    order = {"live": 0, "dry_run": 1, "validating": 2, "submitted": 3}
    shown = sorted(rows.exclude(state="archived")[:SHOWN], key=lambda row: order.get(row.state, 9))
    link = list_url("strategies.binding", world=world.pk)
    counts = [
        (state, counted.get(state, 0), list_url("strategies.binding", world=world.pk, state=state))
        for state in Binding.State.values
    ]
    context = {"counts": counts, "bindings": binding_rows(shown), "columns": COLUMNS}
    return Panel("Strategies", "pages/panels/bindings.html", context, link=link)
