"""The second part of `make demo`: the world decides, first with a clock of its own, then through the service."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson
from rich.console import Console

from evaluation.models import EvaluationRun
from evaluation.services import evaluate_world, policy_impact, replay_decision
from evaluation.services.loading import world_terms
from qmtl_site.audit.actor import Actor
from qmtl_site.demo import telling
from qmtl_site.demo.decision_tables import (
    funnel_line,
    impact_table,
    listing,
    reasons_table,
    refused_table,
    walk_table,
)
from qmtl_site.demo.loading import Loaded
from qmtl_site.demo.prices import load_prices
from qmtl_site.demo.strategies import DEMO
from qmtl_site.demo.walk import Step, walk
from strategies.models import Binding
from worlds.models import PolicyVersion
from worlds.selectors import ActivePolicy, active_policy, get_policy, get_world
from worlds.services import write_policy

STRICTER = "sharpe >= 0.6 and max_drawdown >= -0.25"
"""Entry gates of the draft: a tenth more Sharpe than the demo's policy asks for."""


def tell_decisions(
    console: Console, loaded: Loaded, documents: Mapping[int, dict[str, Any]], actor: Actor
) -> None:
    active = active_policy(loaded.world_id)
    assert active is not None
    steps = tell_walk(console, loaded, active)
    tell_fates(console, loaded, documents, steps)
    tell_service(console, loaded.world_id, actor)
    tell_impact(console, loaded.world_id, active, actor)


def tell_walk(console: Console, loaded: Loaded, active: ActivePolicy) -> list[Step]:
    console.rule("[bold]2. The world decides: a walk of the pure decision[/]")
    console.print(
        "Those that passed trade on paper through 2021 and 2022, days that no backtest has seen. On the "
        "first of each month, as the policy's schedule says, the decision is made as of that day from what "
        "was earned by then. Nothing of this walk is in the database: the apply that opens and closes gates "
        "is not built yet, so the walk carries out each plan by itself, as if every promotion had been "
        "approved at once."
    )
    paper = Binding.objects.filter(world_id=loaded.world_id, state=Binding.State.DRY_RUN)
    passed = set(paper.values_list("strategy_id", flat=True))
    demos = [demo for demo in DEMO if demo.id in passed]
    steps = walk(active.policy, world_terms(get_world(loaded.world_id)), demos, load_prices())
    console.print(walk_table(steps))
    return steps


def tell_fates(
    console: Console, loaded: Loaded, documents: Mapping[int, dict[str, Any]], steps: list[Step]
) -> None:
    sharpes = {run.strategy_id: documents[run.pk]["evaluation"]["returns"]["sharpe"] for run in loaded.runs}
    console.print(listing("Who climbed", telling.climbed(steps)))
    console.print(listing("Who was held for being too much like another one", telling.held(steps)))
    console.print(listing("Who went down", telling.went_down(steps, sharpes)))
    console.print(refused_table(refused(loaded.runs, sharpes)))
    console.print(
        "mined_500 had the best Sharpe of five hundred tries: the deflated Sharpe ratio of the backtest "
        "profile stopped it, that alone (it is the only one of its family, so that there is no PBO). Not all "
        "who were refused have lost since: a policy is a mandate and no prophecy.\n"
    )
    last = steps[-1].document
    console.print(f"[bold]The last decision of the walk[/]: {funnel_line(last)}")
    console.print(reasons_table(last, title=f"Why each one is where it is, {steps[-1].day}"))


def refused(
    runs: list[EvaluationRun], sharpes: Mapping[str, float]
) -> Iterator[tuple[str, float, float, str]]:
    """Backtests with a blocking failure, and what their strategies have earned since."""
    demos = {demo.id: demo for demo in DEMO}
    for run in runs:
        if run.result.verdict == "fail":
            violations = orjson.loads(run.result.summary)["violations"]
            bounds = [missed(v) for v in violations if v["severity"] == "blocking"]
            since = telling.sharpe_since(demos[run.strategy_id], load_prices())
            yield run.strategy_id, sharpes[run.strategy_id], since, ", ".join(bounds)


def missed(violation: dict[str, Any]) -> str:
    """The bound that was missed most; in full words where there is no figure."""
    if violation["value"] is None:
        return str(violation["reason"])
    name = violation["metric"].rpartition(".")[2]
    return f"{name} {violation['value']:.2f} (bound {violation['bound']:g})"


def tell_service(console: Console, world_id: str, actor: Actor) -> None:
    """Evaluation as the schedule makes it: paper runs from reported performance, a decision, counters."""
    console.rule("[bold]3. The same through the service[/]")
    console.print(
        "The paper performance was reported to the service as a runner does it, all two years at once. Now "
        "the world is evaluated: paper runs are made from the last year of it and judged, and the decision "
        "is kept with its inputs."
    )
    first, again = (orjson.loads(evaluate_world(world_id=world_id, actor=actor)) for _ in range(2))
    console.print(f"Decision {first['decision_id'][:12]}: {funnel_line(first)}")
    console.print(reasons_table(first, title="The first decision: nobody has passed twice yet"))
    counted = sum(told["counted"] for told in again["candidates"])
    console.print(f"Evaluated once more at once: {counted} counters moved, for nothing new was reported.")
    for document in (first, again):
        replay = replay_decision(world_id=world_id, decision_id=document["decision_id"])
        answer = "[green]identical[/]" if replay["identical"] else f"[red]{replay['detail']}[/]"
        console.print(
            f"Replay of decision {document['decision_id'][:12]}: {answer}, sha256 {replay['sha256'][:16]}"
        )
    console.print()


def tell_impact(console: Console, world_id: str, active: ActivePolicy, actor: Actor) -> None:
    """What a draft would change, asked before it is published; it stays a draft."""
    console.rule("[bold]4. A change of the policy, seen before it is published[/]")
    draft = stricter_draft(world_id, active, actor)
    impact = policy_impact(world_id=world_id, version=draft.version)
    runs, bindings = impact["runs"], impact["bindings"]
    console.print(
        f"Draft version {draft.version} has the gates {STRICTER!r}. Were the next month like this one, "
        f"the active policy would promote {named(bindings['old'])} and the draft {named(bindings['new'])}:"
    )
    console.print(impact_table(impact))
    console.print(risk_line(bindings["portfolio_risk"]))
    console.print(
        f"Of {runs['runs']} stored runs {runs['changed']['impacted']} would be seen otherwise "
        f"(impact ratio {impact['impact_ratio']:.2f}). Nothing was published."
    )


def stricter_draft(world_id: str, active: ActivePolicy, actor: Actor) -> PolicyVersion:
    document = orjson.loads(get_policy(world_id, active.version).text.canonical)
    document["selection"]["gates"] = STRICTER
    return write_policy(
        world_id=world_id, source=orjson.dumps(document), media="json", actor=actor, publish=False
    )


def named(side: dict[str, Any]) -> str:
    return ", ".join(side["promote"]) or "nobody"


def risk_line(risk: dict[str, Any]) -> str:
    if risk["change"] is None:
        return f"Volatility of the live set: unknown, {risk['reason']}."
    old, new = risk["old"]["volatility"], risk["new"]["volatility"]
    return f"Volatility of the live set: {old:.1%} a year under the active policy, {new:.1%} under the draft."
