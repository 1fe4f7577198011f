"""The admin's index: counts by state, what needs attention, the newest runs. A constant number of queries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Count, Exists, Max, Min, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from evaluation.models import EvaluationRun, Promotion
from evaluation.selectors.listed import listed_runs
from qmtl_site.pages.scope import list_url, url_of, visible
from strategies.models import Apply, Binding
from strategies.selectors.shown import count_standings, gates_with_standing
from worlds.models import PolicyVersion, World

NEWEST = 15
NAMED = 6
# All runs ever are too many to count on each visit; a month is an index range.
DAYS = 30


@dataclass(frozen=True)
class Card:
    title: str
    total: int
    link: str
    counts: list[tuple[str, int, str]]
    note: str = ""


@dataclass(frozen=True)
class Concern:
    """Something that waits for a person: what, how bad, and where to look."""

    tone: str
    icon: str
    title: str
    says: str
    links: list[tuple[str, str]]


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Unfold's DASHBOARD_CALLBACK."""
    worlds = visible(request, World.objects.all(), "pk")
    runs = visible(request, listed_runs().select_related("world", "strategy"), "world_id")
    context |= {
        "title": "Overview",
        "cards": [world_card(worlds), binding_card(request), gate_card(request), run_card(request)],
        "concerns": [
            *breakers(worlds),
            *in_flight(request),
            *shut(request),
            *waiting(request),
            *unapproved(request),
            *without_policy(worlds),
        ],
        "runs": list(runs.order_by("-created_at", "-id")[:NEWEST]),
        "runs_url": list_url("evaluation.evaluationrun"),
    }
    return context


# --- counts -----------------------------------------------------------------------------------------------
def counted(rows: QuerySet[Any], field: str, values: list[str], label: str) -> list[tuple[str, int, str]]:
    found = dict(rows.order_by().values_list(field).annotate(n=Count("pk")))
    return [(value, found.get(value, 0), list_url(label, **{field: value})) for value in values]


def card(title: str, label: str, counts: list[tuple[str, int, str]], note: str = "") -> Card:
    return Card(title, sum(count for _, count, _ in counts), list_url(label), counts, note)


def world_card(worlds: QuerySet[World]) -> Card:
    return card("Worlds", "worlds.world", counted(worlds, "state", World.State.values, "worlds.world"))


def binding_card(request: HttpRequest) -> Card:
    rows = visible(request, Binding.objects.all(), "world_id")
    counts = counted(rows, "state", Binding.State.values, "strategies.binding")
    return card("Strategies in worlds", "strategies.binding", counts)


def gate_card(request: HttpRequest) -> Card:
    counts = count_standings(visible(request, gates_with_standing(), "binding__world_id"))
    shown = [(name, count, list_url("strategies.activation", gate=name)) for name, count in counts.items()]
    return card("Gates", "strategies.activation", shown, "of strategies that are or were live")


def run_card(request: HttpRequest) -> Card:
    since = timezone.now() - timedelta(days=DAYS)
    rows = visible(request, EvaluationRun.objects.filter(created_at__gte=since), "world_id")
    counts = counted(rows, "status", EvaluationRun.Status.values, "evaluation.evaluationrun")
    return card("Runs", "evaluation.evaluationrun", counts, f"created in the last {DAYS} days")


# --- what needs attention ---------------------------------------------------------------------------------
def breakers(worlds: QuerySet[World]) -> list[Concern]:
    engaged = list(worlds.filter(circuit_breaker=True).order_by("-updated_at")[: NAMED + 1])
    if not engaged:
        return []
    return [
        Concern(
            "bad", "emergency_home", "Circuit breaker engaged",
            "Every gate is closed until the role risk resets it.", named(engaged),
        )
    ]  # fmt: skip


def in_flight(request: HttpRequest) -> list[Concern]:
    rows = visible(request, Apply.objects.filter(settled_at=None), "world_id")
    found = list(rows.order_by("created_at", "id")[: NAMED + 1])
    if not found:
        return []
    links = [(f"{apply.world_id}: {apply.phase}", url_of(apply)) for apply in found[:NAMED]]
    if len(found) > NAMED:
        links.append(("and more", list_url("strategies.apply")))
    says = "Gates are about to open or have just closed."
    return [Concern("info", "change_circle", "Applies in flight", says, links)]


def shut(request: HttpRequest) -> list[Concern]:
    """Live strategies that cannot trade: something shuts their gates, or they wait to be opened again."""
    rows = visible(request, gates_with_standing(), "binding__world_id").filter(binding__state="live")
    found = rows.exclude(standing__in=["open", "frozen"]).count()
    if not found:
        return []
    says = f"{found} live strateg{'y has' if found == 1 else 'ies have'} a gate that lets no order pass."
    links = [
        (name, list_url("strategies.activation", gate=name, state="live")) for name in ("kept shut", "closed")
    ]
    return [Concern("warn", "lock", "Live strategies with a shut gate", says, links)]


def waiting(request: HttpRequest) -> list[Concern]:
    rows = visible(request, EvaluationRun.objects.filter(status="evaluating"), "world_id")
    found = rows.aggregate(n=Count("pk"), oldest=Min("updated_at"), newest=Max("updated_at"))
    if not found["n"]:
        return []
    minutes = int((timezone.now() - found["oldest"]).total_seconds() // 60)
    says = f"{found['n']} have their results; the oldest has waited for {minutes} min."
    link = list_url("evaluation.evaluationrun", status="evaluating")
    return [Concern("warn", "hourglass_top", "Runs wait for judgement", says, [("show them", link)])]


def unapproved(request: HttpRequest) -> list[Concern]:
    pending = visible(request, Promotion.objects.filter(state=Promotion.State.PENDING), "world_id").count()
    if not pending:
        return []
    says = f"{pending} strateg{'y waits' if pending == 1 else 'ies wait'} for a person before going live."
    link = list_url("evaluation.promotion", state="pending")
    return [Concern("warn", "how_to_reg", "Promotions wait for approval", says, [("show them", link)])]


def without_policy(worlds: QuerySet[World]) -> list[Concern]:
    active = PolicyVersion.objects.filter(world=OuterRef("pk"), state=PolicyVersion.State.ACTIVE)
    bare = list(
        worlds.exclude(state=World.State.RETIRED)
        .filter(~Exists(active))
        .order_by("-created_at", "-id")[: NAMED + 1]
    )
    if not bare:
        return []
    says = "Their runs are inconclusive until a policy is published."
    return [Concern("info", "policy", "Worlds without an active policy", says, named(bare))]


def named(worlds: list[World]) -> list[tuple[str, str]]:
    """Links to the first few, and to the list where there are more."""
    links = [(world.pk, url_of(world)) for world in worlds[:NAMED]]
    return links + ([("and more", list_url("worlds.world"))] if len(worlds) > NAMED else [])
