"""A world with many judged paper runs, written straight into the database: what its evaluation is measured on."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import django
import numpy as np

from benchmarks.scene import Scene

POLICY: dict[str, Any] = {
    "version": 1,
    "evaluation_window": None,
    "validation_profiles": {
        "paper": {"performance": {"sharpe_min": 0.5, "max_dd_max": 0.9, "gain_to_pain_min": None}}
    },
    "selection": {
        "gates": "sharpe >= 0.6",
        "score": "sharpe",
        "correlation": {"max": 0.8},
        "top_k": {"k": 50},
        "hysteresis": {"promote_after": 2, "demote_after": 2},
    },
}


def use(scene: Scene) -> None:
    """Let Django work in this process on the scene's database."""
    os.environ.update(scene.environment)
    os.environ["DJANGO_SETTINGS_MODULE"] = "qmtl_site.settings"
    django.setup()


def make(
    scene: Scene,
    world: str,
    *,
    strategies: int,
    periods: int,
    runs_each: int = 1,
    policy: Mapping[str, Any] = POLICY,
    mean: float = 0.0008,
) -> None:
    """Strategies in dry run, each with `runs_each` judged paper runs of `periods` days that earn `mean` a day."""
    scene.admin.make("/worlds", {"id": world, "allow_live": True})
    scene.admin.make(f"/worlds/{world}/policy", policy)
    names = [f"{world}-{n}" for n in range(strategies)]
    bind(world, names)
    for round_ in range(runs_each):
        submit(world, names, periods, run_id=f"p{round_}", mean=mean)


def bind(world: str, names: list[str]) -> None:
    from django.contrib.auth.models import User
    from django.utils import timezone

    from strategies.models import Binding, Strategy

    now, owner = timezone.now(), User.objects.get(username="admin")
    Strategy.objects.bulk_create(
        Strategy(id=name, name=name, family=f"f{n % 20}", owner=owner, created_at=now, updated_at=now)
        for n, name in enumerate(names)
    )
    Binding.objects.bulk_create(
        Binding(world_id=world, strategy_id=name, state="dry_run", state_since=now, created_at=now)
        for name in names
    )


def submit(world: str, names: list[str], periods: int, *, run_id: str, mean: float = 0.0008) -> None:
    """One paper run of each strategy, judged: as the use cases do it, without HTTP."""
    from django.utils import timezone

    from evaluation.models import EvaluationRun
    from evaluation.services.evaluate import evaluate_waiting
    from evaluation.services.intake import Taken, canonical_hash, keep_many
    from qmtl_site.ledger.transactions import unit_of_change

    times = (np.arange(periods) * 86_400_000 + 1_400_000_000_000).astype(np.int64)
    draws = np.random.default_rng(abs(hash(run_id)) % 1000)
    now = timezone.now()
    given = []
    for name in names:
        run = EvaluationRun(
            world_id=world,
            strategy_id=name,
            run_id=run_id,
            stage="paper",
            status="evaluating",
            request_hash=canonical_hash([name, run_id]),
            strategy_version=1,
            family_key=f"family:{name}",
            created_at=now,
            updated_at=now,
        )
        returns = draws.normal(mean, 0.01, periods)
        given.append((run, Taken({"trades": {"count": 100}}, run.request_hash, times, returns)))
    with unit_of_change():
        EvaluationRun.objects.bulk_create([run for run, _ in given])
        keep_many(given)
    evaluate_waiting(world_id=world)
