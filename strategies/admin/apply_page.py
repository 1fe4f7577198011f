"""What the page of an apply shows: its phases as steps with their times, its plan, whom it waits for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from qmtl_site.pages.scope import list_url, named_url
from strategies.domain.plans import Plan
from strategies.models import Apply, Binding
from strategies.selectors.progress import ASKING, Heard, entered_phases, heard_clients
from strategies.selectors.shown import listed_gates

STEPS = (
    ("requested", "Requested", "What it closes is closed at once, and stays closed whatever becomes of it."),
    ("freeze", "Freeze", "Gates that will open are frozen; whoever holds one is asked to hold still."),
    (
        "switch",
        "Switch",
        "Strategies, weights and edges change in one transaction. From here there is only forward.",
    ),
    ("unfreeze", "Unfreeze", "The gates open; receipts are awaited."),
    ("completed", "Completed", "The end."),
)
ROLLED_BACK = ("rolled_back", "Rolled back", "Its openings are abandoned. Its closings stay.")
# A driver takes the next step at once; what is this late has no driver.
LATE = timedelta(seconds=10)
NAMED = 100
LEAVES_FOR = {"dry_run": "goes to dry run", "inactive": "becomes inactive", "archived": "is archived"}


def apply_page(apply: Apply) -> dict[str, Any]:
    plan, times = Plan.read(apply.plan), entered_phases(apply)
    names = plan.names
    keys = dict(
        Binding.objects.filter(world=apply.world_id, strategy__in=names).values_list("strategy_id", "pk")
    )
    gates = {gate.pk: gate for gate in listed_gates().filter(binding__in=keys.values())}
    return {
        "title": f"Apply {apply.run_id}",
        "apply": apply,
        "in_flight": apply.settled_at is None,
        "is_late": is_late(apply, timezone.now()),
        "steps": steps(apply, times),
        "asked": [asked(each, apply, times) for each in heard_clients(apply)],
        "openings": [
            {
                **line(each.strategy_id, keys, gates),
                "weight": f"{100 * each.weight:.1f} %",
                "does": "goes live" if each.action == "promote" else "opens again",
            }
            for each in plan.openings[:NAMED]
        ],
        "closings": [
            {**line(each.strategy_id, keys, gates), "does": LEAVES_FOR[each.to]}
            for each in plan.closings[:NAMED]
        ],
        "plan": plan,
        "more": max(0, len(plan.openings) - NAMED) + max(0, len(plan.closings) - NAMED),
        "took": took(apply.created_at, apply.settled_at),
        "freeze_timeout": f"{plan.freeze_timeout_ms / 1000:g} s",
        "unfreeze_timeout": f"{plan.unfreeze_timeout_ms / 1000:g} s",
        "gates_url": named_url("strategies.gateauthority", apply.world_id),
        "siblings_url": list_url("strategies.apply", world=apply.world_id),
        "history_url": list_url("strategies.activationrecord", world=apply.world_id, apply=apply.run_id),
    }


def is_late(apply: Apply, now: datetime) -> bool:
    """Whether its next step is long due: nobody drives it."""
    if apply.settled_at is not None:
        return False
    return now > (apply.deadline or apply.phase_since) + LATE


def line(name: str, keys: Mapping[str, int], gates: Mapping[int, Any]) -> dict[str, Any]:
    """A strategy of the plan with its gate as it is now."""
    gate = gates.get(keys.get(name, 0))
    return {
        "strategy": name,
        "url": "" if gate is None else named_url("strategies.activation", gate.pk),
        "standing": "closed" if gate is None else gate.standing,
    }


# --- steps ------------------------------------------------------------------------------------------------
def steps(apply: Apply, times: Mapping[str, datetime]) -> list[dict[str, Any]]:
    """Those that it has taken, with what each of them took, and those that are ahead of it."""
    rolled_back = apply.phase == Apply.Phase.ROLLED_BACK
    known = [step for step in STEPS if not rolled_back or step[0] in times] + [ROLLED_BACK] * rolled_back
    reached = [name for name, _, _ in known].index(apply.phase)
    shown = []
    for place, (name, title, says) in enumerate(known):
        later = [times[after] for after, _, _ in known[place + 1 :] if after in times]
        shown.append(
            {
                "name": name,
                "title": title,
                "says": says,
                "state": state_of(place, reached, name),
                "at": exactly(times.get(name)),
                "took": took(times.get(name), later[0] if later else None),
            }
        )
    return shown


def state_of(place: int, reached: int, name: str) -> str:
    if place > reached:
        return "ahead"
    if name == "rolled_back":
        return "undone"
    return "done" if place < reached or name == "completed" else "now"


# --- who was asked ----------------------------------------------------------------------------------------
def asked(heard: Heard, apply: Apply, times: Mapping[str, datetime]) -> dict[str, Any]:
    return {
        "client": heard.client,
        "strategies": heard.strategies,
        "answers": [answer(heard, phase, apply, times) for phase in ASKING],
    }


def answer(heard: Heard, phase: str, apply: Apply, times: Mapping[str, datetime]) -> dict[str, Any]:
    """What a client has said to a phase, or what its silence means."""
    at = heard.at.get(phase)
    if at is not None:
        return {
            "says": "acknowledged",
            "tone": "good",
            "after": took(times.get(phase), at),
            "at": exactly(at),
        }
    if phase == apply.phase and heard.is_waited_for:
        return {"says": "waited for", "tone": "warn", "until": exactly(apply.deadline)}
    if phase not in times:
        return {"says": "", "tone": ""}
    return {"says": "silent", "tone": "bad" if phase == "freeze" else "mute"}


# --- times ------------------------------------------------------------------------------------------------
def exactly(at: datetime | None) -> SafeString:
    """To the millisecond: an apply is done in less than a second."""
    if at is None:
        return SafeString("")
    return format_html(
        '<time class="q-when" datetime="{}" title="{} UTC">{}</time>',
        at.isoformat(),
        f"{at:%Y-%m-%d %H:%M:%S.%f}",
        f"{at:%H:%M:%S}.{at.microsecond // 1000:03d}",
    )


def took(start: datetime | None, end: datetime | None) -> str:
    if start is None or end is None:
        return ""
    seconds = max(0.0, (end - start).total_seconds())
    if seconds < 1:
        return f"{1000 * seconds:.0f} ms"
    return f"{seconds:.2f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
