"""The lifecycles as spec 02 writes them, in plain dicts: transition -> (from, to)."""

from __future__ import annotations

from collections.abc import Mapping

Lifecycle = Mapping[str, tuple[frozenset[str], str]]


def lifecycle(table: Mapping[str, tuple[str, str]]) -> Lifecycle:
    return {name: (frozenset(sources.split()), target) for name, (sources, target) in table.items()}


WORLD = lifecycle(
    {
        "restrict": ("ACTIVE PAUSED", "EVALUATION_ONLY"),
        "pause": ("ACTIVE EVALUATION_ONLY", "PAUSED"),
        "resume": ("EVALUATION_ONLY PAUSED", "ACTIVE"),
        "retire": ("ACTIVE EVALUATION_ONLY PAUSED", "RETIRED"),
    }
)
POLICY = lifecycle({"activate": ("draft deprecated", "active"), "deprecate": ("active", "deprecated")})
BINDING = lifecycle(
    {
        "start_validation": ("submitted", "validating"),
        "reject": ("submitted validating", "rejected"),
        "start_dry_run": ("validating inactive", "dry_run"),
        "promote": ("dry_run", "live"),
        "demote": ("live", "dry_run"),
        "deactivate": ("dry_run live", "inactive"),
        "archive": ("submitted validating rejected dry_run live inactive", "archived"),
        "resubmit": ("rejected inactive", "submitted"),
    }
)
RUN = lifecycle(
    {
        "start_backtest": ("submitted", "backtest_running"),
        "start_evaluation": ("submitted backtest_running", "evaluating"),
        "finish": ("evaluating", "evaluated"),
        "activate": ("evaluated", "activated"),
        "reject": ("evaluated", "rejected"),
        "expire": ("submitted backtest_running evaluating evaluated activated rejected", "expired"),
    }
)

APPLY = lifecycle(
    {
        "freeze": ("requested", "freeze"),
        "switch": ("freeze", "switch"),
        "unfreeze": ("switch", "unfreeze"),
        "complete": ("unfreeze", "completed"),
        "roll_back": ("requested freeze", "rolled_back"),
    }
)


def states(of: Lifecycle) -> list[str]:
    return sorted({state for sources, target in of.values() for state in {*sources, target}})


def pairs(of: Lifecycle) -> set[tuple[str, str]]:
    """Every (from, to) that some transition makes."""
    return {(source, target) for sources, target in of.values() for source in sources}


def open_from(of: Lifecycle, state: str) -> list[str]:
    return sorted(name for name, (sources, _) in of.items() if state in sources)
