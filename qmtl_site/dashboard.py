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
from strategies.models import Binding
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
        "cards": [world_card(worlds), binding_card(request), run_card(request)],
        "concerns": [*breakers(worlds), *waiting(request), *unapproved(request), *without_policy(worlds)],
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
