"""What the pages of gates read: a constant number of statements each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any

from django.db.models import (
    BooleanField,
    Case,
    CharField,
    Count,
    DurationField,
    Exists,
    ExpressionWrapper,
    F,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from strategies.domain import standings
from strategies.domain.modes import Effective, effective_mode, is_stale
from strategies.models import (
    Activation,
    ActivationRecord,
    Apply,
    Binding,
    GateAuthority,
    GateClient,
    GateHold,
    Node,
    QueuedCommand,
)
from worlds.models import World

LEASED = Q(revoked_at=None, lease_until__gt=Now())
SHUT = (
    ~Q(binding__world__state="ACTIVE")
    | Q(binding__world__allow_live=False)
    | Q(binding__world__circuit_breaker=True)
    | Q(binding__world__decision_stale_at=None)
    | Q(binding__world__decision_stale_at__lte=Now())
    | ~Q(binding__state="live")
    | Q(foreign_code=True)
    | Q(node_error=True)
    | Q(drain=True)
)


# --- gates ------------------------------------------------------------------------------------------------
def gates_with_standing() -> QuerySet[Any]:
    """`standing` is one of `strategies.domain.standings`, by the database's clock."""
    is_foreign = (
        ~Q(binding__running_code_hash="")
        & ~Q(binding__judged_code_hash="")
        & ~Q(binding__running_code_hash=F("binding__judged_code_hash"))
    )
    standing = Case(
        When(freeze=True, then=Value(standings.FROZEN)),
        When(active=False, then=Value(standings.CLOSED)),
        When(SHUT, then=Value(standings.KEPT_SHUT)),
        default=Value(standings.OPEN),
        output_field=CharField(),
    )
    failed = Exists(Node.objects.filter(binding=OuterRef("pk"), state="error"))
    gates = Activation.objects.annotate(
        foreign_code=ExpressionWrapper(is_foreign, BooleanField()), node_error=failed
    )
    return gates.annotate(standing=standing)


def listed_gates() -> QuerySet[Any]:
    """With who told them last, and why."""
    last = ActivationRecord.objects.filter(binding=OuterRef("pk"), sequence=OuterRef("sequence"))
    gates: QuerySet[Activation] = gates_with_standing().select_related("binding__world", "binding__strategy")
    return gates.annotate(
        told_by=Subquery(last.values("actor")[:1]), told_why=Subquery(last.values("reason")[:1])
    )


def gates_of(world_id: str) -> QuerySet[Any]:
    """Those that may matter most first: frozen, kept shut, open, closed though live, then the others."""
    rank = Case(
        When(standing=standings.FROZEN, then=Value(0)),
        When(standing=standings.KEPT_SHUT, then=Value(1)),
        When(standing=standings.OPEN, then=Value(2)),
        When(binding__state="live", then=Value(3)),
        default=Value(4),
        output_field=IntegerField(),
    )
    return listed_gates().filter(binding__world=world_id).order_by(rank, "binding__strategy_id")


def effective_of(gate: Activation) -> Effective:
    """The mode of a gate's binding, and what lowers it."""
    world = gate.binding.world
    return effective_mode(
        binding_state=gate.binding.state,
        world_state=world.state,
        allow_live=world.allow_live,
        circuit_breaker=world.circuit_breaker,
        stale=is_stale(world.decision_stale_at, timezone.now()),
        foreign_code=bool(getattr(gate, "foreign_code", False)),
        node_error=bool(getattr(gate, "node_error", False)),
    )


def why_not(gate: Activation) -> list[str]:
    """In words, what keeps orders from passing a listed gate."""
    world = gate.binding.world
    masked_by = standings.masks(
        world_state=world.state,
        allow_live=world.allow_live,
        circuit_breaker=world.circuit_breaker,
        stale=is_stale(world.decision_stale_at, timezone.now()),
        foreign_code=bool(getattr(gate, "foreign_code", False)),
        node_error=bool(getattr(gate, "node_error", False)),
    )
    return standings.reasons(
        binding_state=gate.binding.state,
        masked_by=masked_by,
        active=gate.active,
        freeze=gate.freeze,
        run_id=gate.run_id,
    )


def count_standings(gates: QuerySet[Any]) -> dict[str, int]:
    found = dict(gates.order_by().values_list("standing").annotate(n=Count("pk")))
    return {name: found.get(name, 0) for name in standings.STANDINGS}


def standings_of(bindings: Collection[int]) -> dict[int, str]:
    """By the binding's key; who was never told anything has none."""
    return dict(gates_with_standing().filter(pk__in=bindings).values_list("pk", "standing"))


def never_told(world_id: str) -> list[str]:
    """Live strategies whose gate nobody has told anything: closed."""
    rows = Binding.objects.filter(world=world_id, state="live", activation=None)
    return list(rows.order_by("strategy_id").values_list("strategy_id", flat=True)[:20])


# --- a world's gates --------------------------------------------------------------------------------------
def listed_authorities() -> QuerySet[Any]:
    """With how many of the world's gates are open, and how many are told to be."""
    gates = gates_with_standing().filter(binding__world=OuterRef("world")).order_by()

    def counted(rows: QuerySet[Any]) -> Coalesce:
        numbers = rows.values("binding__world").annotate(n=Count("pk")).values("n")
        return Coalesce(Subquery(numbers, output_field=IntegerField()), Value(0))

    in_flight = Apply.objects.filter(world=OuterRef("world"), settled_at=None)
    return GateAuthority.objects.select_related("world").annotate(
        open_gates=counted(gates.filter(standing=standings.OPEN)),
        live_gates=counted(gates.filter(binding__state="live")),
        in_flight=Subquery(in_flight.values("phase")[:1]),
    )


def objections(world: World, hits: int) -> list[tuple[str, str, str]]:
    """What speaks against opening anything in the world now: how bad, what it is, and who can change it."""
    stale = is_stale(world.decision_stale_at, timezone.now())
    state = world.get_state_display().lower()
    told = [
        (
            world.circuit_breaker,
            ("bad", "The circuit breaker is engaged", "Every gate is closed until the role risk resets it."),
        ),
        (
            world.state != World.State.ACTIVE,
            ("warn", f"The world is {state}", "Gates open only in an active world."),
        ),
        (
            not world.allow_live,
            (
                "warn",
                "Real orders are not allowed",
                "allow_live is off in the settings; the owner turns it on.",
            ),
        ),
        (
            stale is True,
            (
                "warn",
                "The newest decision is too old",
                "Evaluate the world: a new decision sets the clock back.",
            ),
        ),
        (
            stale is None,
            ("warn", "The world has never decided", "Gates open only on a decision that is new enough."),
        ),
        (
            hits > 0,
            ("bad", f"{hits} reads of caches of another context", "An operator clears them, knowing why."),
        ),
    ]
    return [words for holds, words in told if holds]


# --- who holds gates --------------------------------------------------------------------------------------
def listed_clients() -> QuerySet[Any]:
    """With what is left of the lease by the database's clock, and `holds_lease`."""
    return (
        GateClient.objects.select_related("world", "user")
        .prefetch_related("holds")
        .annotate(
            left=ExpressionWrapper(F("lease_until") - Now(), DurationField()),
            holds_lease=ExpressionWrapper(LEASED, BooleanField()),
        )
    )


def clients_now(world_id: str) -> QuerySet[Any]:
    """Nobody has revoked them: with a lease, or with one that ran out."""
    rows = listed_clients().filter(world=world_id, revoked_at=None)
    return rows.order_by("-holds_lease", "client_id")


def holders(world_id: str, strategies: Iterable[str]) -> dict[str, list[GateClient]]:
    """Clients with a valid lease by the strategy whose gate they hold."""
    held: dict[str, list[GateClient]] = defaultdict(list)
    rows = GateHold.objects.select_related("client").filter(
        client__world=world_id,
        client__revoked_at=None,
        client__lease_until__gt=Now(),
        strategy__in=list(strategies),
    )
    for row in rows.order_by("client__client_id"):
        held[row.strategy_id].append(row.client)
    return held


def waiting_commands(world_id: str, strategy_id: str | None = None) -> QuerySet[QueuedCommand]:
    rows = QueuedCommand.objects.filter(world=world_id, done_at=None).order_by("id")
    return rows if strategy_id is None else rows.filter(strategy=strategy_id)
