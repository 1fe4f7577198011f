"""How long it takes to foresee what a draft would change: python -m benchmarks.policy_impact

Over many stored runs of a world, in a process like a worker's; the draft moves a bound and a gate.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from benchmarks import stored_world
from benchmarks.machine import Figure, machine, table
from benchmarks.scene import Scene, scene
from benchmarks.world_evaluation import seconds_of

TARGET_SECONDS = 10.0
STRATEGIES = 200
# What a bound asks for is in the stored figures; a window's figure has to be measured from the returns again.
GATES = {"a bound and a gate": "sharpe >= 1", "a window in a gate": "28d.total_return >= 0 and sharpe >= 1"}


def main(arguments: Sequence[str] | None = None) -> list[Figure]:
    """Print the figures of this machine and whether each target is met."""
    options = argparse.ArgumentParser(prog="python -m benchmarks.policy_impact", description=__doc__)
    options.add_argument("--runs", type=int, default=20_000, help="stored runs (default 20000)")
    options.add_argument("--periods", type=int, default=252, help="of each record (default 252)")
    chosen = options.parse_args(arguments)
    print(machine("django", "psycopg", "numpy"), flush=True)
    with scene() as it, it.service("web"):
        stored_world.use(it)
        rounds = max(1, chosen.runs // STRATEGIES)
        stored_world.make(it, "many", strategies=STRATEGIES, periods=chosen.periods, runs_each=rounds)
        figures = [measured(it, name, gates) for name, gates in GATES.items()]
    print(table(figures))
    return figures


def measured(it: Scene, name: str, gates: str) -> Figure:
    from evaluation.services import policy_impact

    draft = it.admin.make("/worlds/many/policies", drafted(gates))["version"]
    seen: dict[str, Any] = {}
    seconds = seconds_of(lambda: seen.update(policy_impact(world_id="many", version=draft, days=90)))
    return Figure(
        f"impact over {seen['runs']['runs']:,} runs, {name}", seconds, "s", TARGET_SECONDS, digits=2
    )


def drafted(gates: str) -> dict[str, Any]:
    profile = {"performance": {"sharpe_min": 1.0, "max_dd_max": 0.3, "gain_to_pain_min": None}}
    selection = stored_world.POLICY["selection"] | {"gates": gates}
    return stored_world.POLICY | {"validation_profiles": {"paper": profile}, "selection": selection}


if __name__ == "__main__":
    main()
