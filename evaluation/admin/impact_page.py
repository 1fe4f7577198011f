"""What the page of a policy's impact shows, from the document that the API answers: nothing is judged here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evaluation.admin.decision_page import named
from evaluation.domain.policy_diff.moves import RISK
from evaluation.selectors.shown import binding_keys, keys_of_runs
from evaluation.services.impact import UNKEPT
from qmtl_site.pages.figures import figure
from qmtl_site.pages.scope import named_url
from worlds.models import World

SHOWN = 100
REASONS = 20
PLANS = (
    ("promote", "Promoted"),
    ("demote", "Demoted"),
    ("reopen", "Gates opened again"),
    ("live", "Live then"),
)
RISK_TITLES = {
    "volatility": "Volatility per year",
    "var_99": "Value at risk, 99 % of periods",
    "es_99": "Expected shortfall, 99 %",
}
# What becomes of a strategy, with its tone; who has something to lose comes first.
KINDS = {
    "demoted": "bad",
    "not promoted any more": "warn",
    "loses its place": "warn",
    "promoted": "good",
    "stays live after all": "good",
    "gains a place": "info",
    "otherwise": "mute",
}
PLACES = {name: place for place, name in enumerate(KINDS)}


def impact_shown(world: World, impact: Mapping[str, Any]) -> dict[str, Any]:
    bindings, runs = impact["bindings"], impact["runs"]
    old, new = impact["policy"]["old"], impact["policy"]["new"]
    old_name = "no policy" if old is None else f"v{old}"
    return {
        "old": old_name,
        "new": "this text" if new == UNKEPT else f"v{new}",
        "as_of": impact["as_of"],
        "days": impact["days"],
        "notes": notes_on(world, impact),
        "headlines": headlines(impact, old_name),
        "bindings": bindings_shown(world.pk, bindings),
        "risk": risk_shown(bindings["portfolio_risk"]),
        "runs": runs_shown(world.pk, runs),
    }


def notes_on(world: World, impact: Mapping[str, Any]) -> list[str]:
    """What one has to know to read the answer rightly."""
    found = []
    if impact["policy"]["old"] == impact["policy"]["new"]:
        found.append("This is the active policy: there is nothing to change.")
    if impact["policy"]["old"] is None:
        found.append("No policy is active: until now every run is inconclusive, and nobody moves.")
    if world.state != World.State.ACTIVE:
        found.append(
            f"The world is {world.get_state_display()}: no policy promotes anybody until it is active."
        )
    if world.circuit_breaker:
        found.append("The circuit breaker is engaged: no policy promotes anybody until it is reset.")
    if not world.allow_live:
        found.append("The world does not allow live trading: no policy promotes anybody.")
    return found


def headlines(impact: Mapping[str, Any], old: str) -> list[dict[str, str]]:
    """The few figures that one should have seen before publishing; `old` names what they are compared with."""
    bindings, runs = impact["bindings"], impact["runs"]
    risk = bindings["portfolio_risk"]
    ratio = {
        "title": "Impact ratio",
        "value": figure(impact["impact_ratio"], "fraction"),
        "before": f"{runs['changed']['impacted']} of {counted(runs['runs'], 'run')}",
    }
    people = [
        {
            "title": title,
            "value": str(len(bindings["new"][name])),
            "before": f"{old}: {len(bindings['old'][name])}",
        }
        for name, title in (
            ("promote", "Promoted"),
            ("demote", "Demoted"),
            ("hold", "Held"),
            ("live", "Live then"),
        )
    ]
    volatility = {
        "title": "Volatility",
        "value": risk_figure(risk["new"], "volatility"),
        "before": f"{old}: {risk_figure(risk['old'], 'volatility')}",
    }
    return [ratio, *people, volatility]


def counted(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


# --- bindings ---------------------------------------------------------------------------------------------
def bindings_shown(world_id: str, bindings: Mapping[str, Any]) -> dict[str, Any]:
    old, new = bindings["old"], bindings["new"]
    plans = [
        {"title": title, "old": named(title, "", old[name]), "new": named(title, "", new[name])}
        for name, title in PLANS
        if name != "reopen" or old[name] or new[name]
    ]
    rows = sorted(map(change_shown, bindings["changes"]), key=lambda row: PLACES[row["kind"]])
    shown = rows[:SHOWN]
    keys = binding_keys(world_id, [row["strategy_id"] for row in shown])
    return {
        "count": bindings["bindings"],
        "plans": plans,
        "held": {"old": len(old["hold"]), "new": len(new["hold"])},
        "changes": [{**row, "url": page_of("strategies.binding", keys.get(row["strategy_id"]))} for row in shown],
        "more": len(rows) - len(shown),
    }  # fmt: skip


def change_shown(change: Mapping[str, Any]) -> dict[str, Any]:
    kind = kind_of(change["old"], change["new"])
    return {
        "strategy_id": change["strategy_id"],
        "state": change["state"],
        "kind": kind,
        "tone": KINDS[kind],
        "old": change["old"]["outcome"],
        "new": change["new"]["outcome"],
        "why": "; ".join(change["new"]["reasons"]),
    }


def kind_of(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """What the other policy does to a strategy that this one does not."""
    if old["outcome"] != new["outcome"]:
        if new["outcome"] in {"promote", "demote"}:
            return f"{new['outcome']}d"
        return {"promote": "not promoted any more", "demote": "stays live after all"}.get(
            old["outcome"], "otherwise"
        )
    return "gains a place" if new["selected"] else "loses its place"


def page_of(label: str, key: int | None) -> str:
    return "" if key is None else named_url(label, key)


# --- risk -------------------------------------------------------------------------------------------------
def risk_shown(risk: Mapping[str, Any]) -> dict[str, Any]:
    rows = [
        {
            "title": RISK_TITLES[name],
            "old": risk_figure(risk["old"], name),
            "new": risk_figure(risk["new"], name),
            "change": signed(risk["change"], name),
        }
        for name in RISK
    ]
    return {"rows": rows, "told": told(risk)}


def risk_figure(figures: Mapping[str, float] | None, name: str) -> str:
    return "unknown" if figures is None else figure(figures[name], "fraction")


def signed(change: Mapping[str, float] | None, name: str) -> str:
    text = risk_figure(change, name)
    return f"+{text}" if change is not None and not text.startswith(("-", "0.00 ")) else text


def told(risk: Mapping[str, Any]) -> str:
    """Over what the figures were computed, or why there are none."""
    if risk["reason"] is not None:
        return f"{risk['reason'][:1].upper()}{risk['reason'][1:]}."
    if not risk["points"]:
        return "Nobody would be live under either policy: nothing is at risk."
    return f"Over the {counted(risk['points'], 'period')} in which everybody of either live set has a return."


# --- runs -------------------------------------------------------------------------------------------------
def runs_shown(world_id: str, runs: Mapping[str, Any]) -> dict[str, Any]:
    shown = runs["changes"][:SHOWN]
    keys = keys_of_runs(world_id, [(row["strategy_id"], row["run_id"]) for row in shown])
    return {
        "count": runs["runs"],
        "is_cut": runs["is_cut"],
        "changed": runs["changed"],
        "ratio": figure(runs["impact_ratio"], "fraction"),
        "moves": runs["moves"],
        "counts": [
            ("Verdict", both_sides(runs["verdicts"])),
            ("Recommended stage", both_sides(runs["recommended_stages"])),
        ],
        "reasons": most_changed(runs["reasons"]),
        "changes": [
            {**row, "url": page_of("evaluation.evaluationrun", keys.get((row["strategy_id"], row["run_id"])))}
            for row in shown
        ],
        "more": len(runs["changes"]) - len(shown) + runs["changes_omitted"],
    }


def both_sides(counts: Mapping[str, Mapping[str, int]]) -> list[tuple[str, int, int]]:
    return [(name, pair["old"], pair["new"]) for name, pair in counts.items() if any(pair.values())]


def most_changed(counts: Mapping[str, Mapping[str, int]]) -> Sequence[tuple[str, int, int]]:
    """The reasons that are given more or less often, those that change most first."""
    rows = [row for row in both_sides(counts) if row[1] != row[2]]
    return sorted(rows, key=lambda row: (-abs(row[2] - row[1]), row[0]))[:REASONS]
