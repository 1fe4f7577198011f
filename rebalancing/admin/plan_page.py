"""What a plan looks like, before it is recorded and after: shares, orders, netting, attribution, cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from decimal import Decimal
from fractions import Fraction
from typing import Any

import orjson

from qmtl_site.pages.figures import fixed
from rebalancing.domain.decimals import nearest_float, nearest_quotient
from rebalancing.domain.document import plain
from rebalancing.domain.plan import Plan
from rebalancing.domain.shares import shares_of_strategies
from rebalancing.models import Order
from rebalancing.selectors.executions import Shown
from rebalancing.selectors.positions import as_decimal
from rebalancing.selectors.reported import worlds_in
from rebalancing.selectors.unreported import unreported_of
from rebalancing.services.orders import drafts_of, shown_planned
from rebalancing.services.standings import standings_of

SHOWN, UNREPORTED_SHOWN = 200, 20


def drafted_page(plan: Plan) -> dict[str, Any]:
    """Of a plan that nobody has executed: with the orders as they would be sent now."""
    drafts = drafts_of(plan, standings_of(plan.book.strategies), run_id="planned")
    return plan_page(plan, shown_planned(drafts, SHOWN))


def plan_page(plan: Plan, shown: Shown) -> dict[str, Any]:
    parts = parts_of(plan)
    return {
        "worlds": worlds_of(plan),
        "headlines": headlines(plan, shown.count),
        "turnover": turnover(plan),
        "orders": [order_row(order) for order in shown.orders[:SHOWN]],
        "more_orders": max(0, shown.count - SHOWN),
        "parts": parts[:SHOWN],
        "more_parts": max(0, len(parts) - SHOWN),
        "residuals": residuals_of(plan)[:SHOWN],
        "plan_mode": plan.terms.mode,
        "shared": plan.terms.shared_account,
        "unreported": unreported_page(plan),
    }


def unreported_page(plan: Plan) -> dict[str, Any]:
    """Worlds that the plan changes without a position of theirs, and what they hold by their fills."""
    found = unreported_of(plan)
    held = [
        {
            "symbol": owner[3],
            "venue": owner[2],
            "world": owner[0],
            "strategy": owner[1],
            "quantity": signed(size),
        }
        for owner, size in ((owner, as_decimal(value)) for owner, value in found.held.items())
    ]
    return {"worlds": ", ".join(found.worlds), "held": held[:UNREPORTED_SHOWN], "count": len(held)}


def reconciliation_page(found: Mapping[str, Any]) -> dict[str, Any]:
    """Quantities for people; in the answer they have all their digits."""
    told: dict[str, Any] = orjson.loads(orjson.dumps(found))
    for row in told["differences"]:
        row |= {name: held(row[name]) for name in ("expected", "actual")}
    return told


def held(value: float) -> str:
    return ("−" if value < 0 else "") + quantity(Decimal(repr(abs(value))))


# --- shares -----------------------------------------------------------------------------------------------
def worlds_of(plan: Plan) -> list[dict[str, Any]]:
    """Worlds with their strategies; bars are drawn on one scale, that of the largest share."""
    strategies = shares_of_strategies(plan)
    before, after = plan.terms.before, plan.terms.after
    names = sorted({*before, *after})
    largest = max(
        [float(fraction) for fraction in (*before.values(), *after.values())]
        + [value for share in strategies.values() for value in (share.before, share.after)]
        + [1e-9]
    )
    return [
        {
            **bars(
                world,
                float(before.get(world, Fraction(0))),
                float(after.get(world, Fraction(0))),
                largest,
            ),
            "scale": f"× {nearest_float(plan.scales.of_world[world]):.4g}",
            "strategies": [
                {
                    **bars(name, share.before, share.after, largest),
                    "scale": f"× {nearest_quotient(*plan.scales.of_strategy[owner, name]):.4g}",
                }
                for (owner, name), share in strategies.items()
                if owner == world
            ],
        }
        for world in names
    ]


def bars(name: str, before: float, after: float, largest: float) -> dict[str, Any]:
    change = after - before
    return {
        "name": name,
        "before": percent(before),
        "after": percent(after),
        "change": f"{100 * change:+.2f} %".replace("-", "−") if abs(change) >= 5e-5 else "",
        "before_width": f"{100 * before / largest:.2f}",
        "after_width": f"{100 * after / largest:.2f}",
    }


def percent(fraction: float) -> str:
    return f"{fixed(100 * fraction, 2)} %"


# --- what it comes to -------------------------------------------------------------------------------------
def headlines(plan: Plan, count: int) -> list[tuple[str, str, str]]:
    """Name, figure, and what stands small below it."""
    cost = plan.cost
    saved = cost.netting_savings / cost.gross_turnover if cost.gross_turnover else 0.0
    return [
        ("Equity", money(float(plan.terms.total_equity)), ""),
        ("Orders", str(count), "in a shared account" if plan.terms.shared_account else "an account a world"),
        ("They turn over", money(cost.order_turnover), ""),
        ("Netting saves", f"{100 * saved:.0f} %", money(cost.netting_savings)),
        ("Estimated cost", money(cost.cost), ""),
    ]


def turnover(plan: Plan) -> list[dict[str, str]]:
    """From what strategies want to what is traded, as bars."""
    cost = asdict(plan.cost)
    largest = max(cost["gross_turnover"], cost["order_turnover"], 1e-9)
    named = (
        ("gross_turnover", "Every strategy for itself"),
        ("world_turnover", "Netted in each world"),
        ("account_turnover", "Netted across worlds"),
        ("order_turnover", "The orders, in whole lots"),
    )
    return [
        {"name": title, "share": money(cost[name]), "width": f"{100 * cost[name] / largest:.2f}"}
        for name, title in named
    ]


def money(value: float) -> str:
    return fixed(value, 2)


# --- orders and parts -------------------------------------------------------------------------------------
WORDS = {
    "reduce": "reduces",
    "cross": "strategies trade with each other",
    "open": "opens",
}


def order_row(order: Order) -> dict[str, Any]:
    return {
        "account": order.world_id or "shared",
        "worlds": "" if order.world_id else ", ".join(sorted(worlds_in(order))),
        "symbol": order.symbol,
        "venue": order.venue,
        "does": WORDS[order.purpose],
        "side": order.side if order.qty else "",
        "quantity": quantity(order.qty) if order.qty else "–",
        "notional": money(float(order.qty * order.mark)),
        "mark": quantity(order.mark),
        "status": str(order.status),
        "price": "" if order.average_price is None else quantity(order.average_price),
        "fee": money(float(order.fee)) if order.fee else "",
        "reason": order.reason,
        "mode": order.mode,
        "executor": order.executor,
        "parts": ", ".join(
            f"{owner_of(part, order)} {signed(Decimal(part['qty']))}" for part in order.parts[:8]
        ),
        "more_parts": max(0, len(order.parts) - 8),
    }


def owner_of(part: Mapping[str, str], order: Order) -> str:
    """In a shared account with its world: two worlds may have strategies of one name."""
    return part["strategy_id"] if order.world_id else f"{part['world_id']}/{part['strategy_id']}"


def parts_of(plan: Plan) -> list[dict[str, str]]:
    shares, book, unit = plan.shares, plan.book, plan.steps.places
    rows = []
    for row, size in zip(shares.row.tolist(), shares.quantity.tolist(), strict=True):
        world, strategy = book.strategies[book.strategy[row]]
        venue, symbol = book.instruments[book.instrument[row]]
        rows.append(
            {
                "symbol": symbol,
                "venue": venue,
                "world": world,
                "strategy": strategy,
                "quantity": signed(Decimal(f"{size}e-{unit}")),
            }
        )
    return sorted(rows, key=lambda each: (each["symbol"], each["venue"], each["world"], each["strategy"]))


def residuals_of(plan: Plan) -> list[dict[str, str]]:
    return [
        {
            "world": each.world or "shared",
            "symbol": each.instrument[1],
            "venue": each.instrument[0],
            "quantity": signed(Decimal(f"{each.quantity}e-{each.places}")),
            "reason": "no whole lot" if each.reason == "lot" else "below the minimum",
        }
        for each in plan.residuals
    ]


def quantity(value: Decimal) -> str:
    """At most eight decimals for people; all of them stand in the answer."""
    text = plain(round(value, 8))
    whole, _, rest = text.partition(".")
    return f"{int(whole):,}" + (f".{rest}" if rest else "")


def signed(value: Decimal) -> str:
    return ("+" if value > 0 else "−" if value < 0 else "") + quantity(abs(value))
