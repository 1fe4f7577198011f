"""Worlds with gates, the clients that hold them, and plans: each from a seed."""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass, field
from datetime import timedelta

from django.contrib.auth.models import User
from django.db import Error, connection
from django.utils import timezone

from qmtl_site.audit.actor import Actor
from qmtl_site.http.refusals import Refusal
from qmtl_site.outbox.relay import relay_all
from strategies import services
from strategies.domain.plans import Closing, Opening, Plan
from strategies.models import Apply, Binding, GateClient, Strategy
from strategies.services import Asked, Held, Receipt
from tests.waiting import wait_for
from worlds.models import World
from worlds.schemas import WorldCreate
from worlds.services import create_world

OPERATOR = Actor.service("test")
TOKEN = "digest of a token"
# Whoever answers has time to, on a machine that is busy; who never does is not waited for long.
FREEZE_MS, SILENT_FREEZE_MS, UNFREEZE_MS = 20_000, 700, 400


@dataclass
class Client:
    """Holds some gates of a world; answers after a delay, or never."""

    name: str
    secret: str
    strategies: list[str]
    delay: float
    is_silent: bool = False


@dataclass
class Scene:
    world: str
    plan: Plan
    user: User
    clients: list[Client] = field(default_factory=list)

    @property
    def runner(self) -> Actor:
        return Actor(user_id=self.user.pk, name=self.user.username, is_superuser=True)

    def apply(self, run_id: str = "main") -> Apply:
        return services.request_apply(asked=Asked(self.world, run_id, self.plan), actor=OPERATOR)

    def applied(self, run_id: str = "main") -> Apply:
        return Apply.objects.get(world=self.world, run_id=run_id)

    def is_settled(self) -> bool:
        return not Apply.objects.filter(world=self.world, settled_at=None).exists()


def make_scene(world: str, seed: int, *, silent: bool = False) -> Scene:
    """A world in which some trade, with a plan that sends others live and some back.

    `silent`: one of the holders never answers, so that the openings are abandoned.
    """
    draw = random.Random(f"{seed} {silent}")
    user, _ = User.objects.get_or_create(username="faults", is_superuser=True)
    live, dry = draw.randint(1, 4), draw.randint(1, 5)
    names = [f"{world}-{n}" for n in range(live + dry)]
    make_world(world, user, names)
    go_live(world, names[:live])
    leaving = names[: draw.randint(0, live - 1)]
    plan = Plan(
        openings=[Opening(name, draw.choice([0.1, 0.5, 1.0])) for name in names[live:]],
        closings=[Closing(name) for name in leaving],
        weights=dict.fromkeys(names[len(leaving) : live], 0.25),
        freeze_timeout_ms=SILENT_FREEZE_MS if silent else FREEZE_MS,
        unfreeze_timeout_ms=UNFREEZE_MS,
    )
    scene = Scene(world, plan, user)
    for number in range(1 + seed % 3):
        held = {*draw.sample(names, draw.randint(1, len(names))), names[-1]}
        delay = draw.uniform(0.02, 0.12)
        scene.clients.append(register(scene, f"c{number}", sorted(held), delay=delay))
    scene.clients[-1].is_silent = silent
    return scene


def make_world(world: str, user: User, names: list[str]) -> None:
    create_world(
        fields=WorldCreate(id=world, allow_live=True),
        actor=Actor(user_id=user.pk, name=user.username, is_superuser=True),
    )
    now = timezone.now()
    World.objects.filter(pk=world).update(decision_stale_at=now + timedelta(days=1))
    Strategy.objects.bulk_create(
        Strategy(id=name, name=name, owner=user, created_at=now, updated_at=now) for name in names
    )
    Binding.objects.bulk_create(
        Binding(world_id=world, strategy_id=name, state="dry_run", state_since=now, created_at=now)
        for name in names
    )


def go_live(world: str, names: list[str]) -> None:
    """By an apply that this process drives, when the last driver's lease has run out."""
    wait_for(services.hold_lease)
    plan = Plan(openings=[Opening(name, 0.5) for name in names])
    apply = services.request_apply(asked=Asked(world, "base", plan), actor=OPERATOR)
    services.drive_apply(apply_id=apply.pk)
    services.release_lease()
    while relay_all():
        pass


def register(scene: Scene, name: str, strategies: list[str], *, delay: float = 0.0) -> Client:
    lease = services.register_client(
        world_id=scene.world,
        client_id=name,
        held=[Held(each) for each in strategies],
        executor="test",
        token_digest=TOKEN,
        actor=scene.runner,
    )
    long = timezone.now() + timedelta(minutes=10)  # they send no heartbeats here
    GateClient.objects.filter(world=scene.world, client_id=name).update(lease_until=long)
    return Client(name, lease["lease_secret"], strategies, delay)


class Answering:
    """The gate clients of some scenes, on a thread: they see what an apply asks for, and acknowledge it, some twice."""

    def __init__(self, scenes: list[Scene]) -> None:
        self.scenes, self.stopping = scenes, threading.Event()
        self.seen: dict[tuple[str, str], float] = {}
        self.answered: set[tuple[str, str, str]] = set()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def __enter__(self) -> Answering:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self.thread.join(10)

    def run(self) -> None:
        while not self.stopping.wait(0.01):
            for scene in self.scenes:
                try:
                    self.look(scene)
                except Error:
                    connection.close()
        connection.close()

    def look(self, scene: Scene) -> None:
        apply = Apply.objects.filter(
            world=scene.world, settled_at=None, phase__in=["freeze", "unfreeze"]
        ).first()
        if apply is None:
            return
        since = self.seen.setdefault((scene.world, apply.phase), time.monotonic())
        for client in scene.clients:
            key = (scene.world, apply.phase, client.name)
            is_due = time.monotonic() - since >= client.delay
            if is_due and not client.is_silent and key not in self.answered:
                self.answered.add(key)
                answer(scene, client, apply)
                answer(scene, client, apply)


def answer(scene: Scene, client: Client, apply: Apply) -> str:
    """Acknowledge the present phase; the code of the refusal, or nothing."""
    sequence = apply.freeze_sequence if apply.phase == "freeze" else apply.unfreeze_sequence
    receipt = Receipt(
        client_id=client.name,
        secret=client.secret,
        token_digest=TOKEN,
        phase=apply.phase,
        sequence=sequence or 0,
        epoch=apply.epoch,
    )
    try:
        services.acknowledge(world_id=scene.world, run_id=apply.run_id, receipt=receipt, actor=scene.runner)
    except Refusal as refusal:
        return refusal.code
    return ""
