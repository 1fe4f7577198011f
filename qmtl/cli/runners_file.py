"""What `qmtl run` is to run: named on the command line, or in a file of runners."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from qmtl.cli.block_text import read_block
from qmtl.cli.failures import UsageError
from qmtl.cli.files import read_text

TYPES: dict[str, tuple[type, ...]] = {
    "strategy": (str,),
    "world": (str,),
    "data_preset": (str,),
    "replay": (bool,),
    "speed": (int, float),
    "start": (str,),
    "executor": (str,),
    "params": (dict,),
}
SHARED = frozenset(TYPES) - {"strategy", "params"}


@dataclass(frozen=True)
class Plan:
    """One strategy to run. `params`: its parameters; the others as `Runner.run` takes them."""

    strategy: str
    world: str
    data_preset: str | None = None
    replay: bool = False
    speed: float | None = None
    start: str | None = None
    executor: str | None = None
    params: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What its lines begin with."""
        return self.strategy.rpartition(":")[2] or self.strategy

    def document(self) -> dict[str, Any]:
        return asdict(self)


def read_plans(path: str, *, world: str | None, shared: Mapping[str, Any]) -> list[Plan]:
    """Of a file: `{world?, ..., runners: [{strategy, world?, ...}]}`, YAML or JSON. What is not known is refused."""
    text = read_text(path)
    try:
        document = json.loads(text) if Path(path).suffix == ".json" else read_block(text)
    except ValueError as error:
        raise UsageError(f"{path}: {error}") from None
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from None
    if not isinstance(document, dict) or not isinstance(document.get("runners"), list):
        raise UsageError(f"{path} must have `runners:`, a list with a `strategy:` each")
    common = {
        **({"world": world} if world else {}),
        **shared,
        **checked(document, SHARED | {"runners"}, path),
    }
    common.pop("runners")
    plans = [
        plan_of(common, each, f"{path}: runners[{place}]") for place, each in enumerate(document["runners"])
    ]
    return unlike(plans)


def plan_of(common: Mapping[str, Any], entry: Any, at: str) -> Plan:
    if isinstance(entry, str):
        entry = {"strategy": entry}
    if not isinstance(entry, dict):
        raise UsageError(f"{at} must be MODULE:CLASS, or have a `strategy:`")
    fields = {**common, **checked(entry, frozenset(TYPES), at)}
    for name in ("strategy", "world"):
        if name not in fields:
            raise UsageError(f"{at} has no `{name}:`")
    return Plan(**fields)


def checked(found: Mapping[str, Any], known: frozenset[str], at: str) -> dict[str, Any]:
    """What is given, each of its type."""
    from qmtl.client.nearest import nearest

    for name, value in found.items():
        if name not in known:
            meant = nearest(name, known)
            raise UsageError(f"{at}: {name} is not known" + (f"; did you mean {meant}?" if meant else ""))
        wanted = TYPES.get(name, (list,))
        if value is not None and (
            not isinstance(value, wanted) or (isinstance(value, bool) and bool not in wanted)
        ):
            raise UsageError(
                f"{at}: {name} must be {' or '.join(each.__name__ for each in wanted)}, not {value!r}"
            )
    return {name: value for name, value in found.items() if value is not None}


def unlike(plans: Sequence[Plan]) -> list[Plan]:
    """The plans, where there are some and no two run the same strategy in the same world: they would share a gate."""
    if not plans:
        raise UsageError("there is nothing to run")
    seen: set[tuple[str, str]] = set()
    for plan in plans:
        if (plan.strategy, plan.world) in seen:
            raise UsageError(f"{plan.strategy} would run twice in world {plan.world!r}")
        seen.add((plan.strategy, plan.world))
    return list(plans)
