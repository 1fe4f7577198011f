"""What must be true of a world's gates, found from tables and the event stream alone, by SQL.

It knows nothing of how the service works: it imports none of it.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson
import psycopg
from psycopg.rows import dict_row

ORDER = ["requested", "freeze", "switch", "unfreeze", "completed"]
ENDED = {"completed", "rolled_back"}
NEXT = {
    None: {"requested"},
    "requested": {"freeze", "rolled_back"},
    "freeze": {"switch", "rolled_back"},
    "switch": {"unfreeze"},
    "unfreeze": {"completed"},
}


def faults(url: str, world: str) -> list[str]:
    """Everything that is wrong with a world; nothing, if nothing is."""
    with psycopg.connect(url, row_factory=dict_row) as database:
        database.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        seen = Seen(database, world)
        return [
            *seen.gaps(),
            *seen.chain(),
            *Walk(seen.events).faults(),
            *seen.changes_told_once(),
            *seen.tables_differ(),
            *seen.phases_told_once(),
        ]


def stuck(url: str, world: str, seconds: float) -> list[str]:
    """Applies that are older than they may be, by the database's clock: after their last phase and its deadline."""
    with psycopg.connect(url, row_factory=dict_row) as database:
        late = database.execute(
            "SELECT run_id, phase FROM strategies_apply WHERE world_id = %s AND settled_at IS NULL"
            " AND GREATEST(phase_since, deadline) < clock_timestamp() - make_interval(secs => %s)",
            [world, seconds],
        )
        return [f"apply {row['run_id']} is stuck in {row['phase']}" for row in late]


class Seen:
    """The rows of a world, as they stand."""

    def __init__(self, database: psycopg.Connection[dict[str, Any]], world: str) -> None:
        self.world = world
        by_world = [world]
        self.rows = database.execute(
            "SELECT sequence, document FROM outbox_outboxevent WHERE stream = %s ORDER BY sequence", by_world
        ).fetchall()
        self.events = [orjson.loads(row["document"]) for row in self.rows]
        self.audit = database.execute(
            "SELECT * FROM audit_auditentry WHERE stream = %s ORDER BY sequence", by_world
        ).fetchall()
        self.head = database.execute(
            "SELECT * FROM ledger_ledger WHERE stream = %s", by_world
        ).fetchone() or {"event_sequence": 0, "audit_sequence": 0, "audit_head": ""}
        self.gates = database.execute(
            "SELECT b.strategy_id, b.state, a.* FROM strategies_activation a"
            " JOIN strategies_binding b ON b.id = a.binding_id WHERE b.world_id = %s",
            by_world,
        ).fetchall()
        self.history = database.execute(
            "SELECT b.strategy_id, r.* FROM strategies_activationrecord r"
            " JOIN strategies_binding b ON b.id = r.binding_id WHERE b.world_id = %s ORDER BY r.sequence",
            by_world,
        ).fetchall()
        self.applies = database.execute(
            "SELECT * FROM strategies_apply WHERE world_id = %s ORDER BY id", by_world
        ).fetchall()

    def gaps(self) -> Iterator[str]:
        for name, rows in (("event", self.rows), ("audit", self.audit)):
            numbers = [row["sequence"] for row in rows]
            if numbers != list(range(1, self.head[f"{name}_sequence"] + 1)):
                yield f"{name} sequence is not 1..{self.head[f'{name}_sequence']}"
        if any(
            event["sequence"] != row["sequence"] for event, row in zip(self.events, self.rows, strict=True)
        ):
            yield "an event says another sequence than it has"

    def chain(self) -> Iterator[str]:
        previous = ""
        for entry in self.audit:
            hashed = {name: value for name, value in entry.items() if name not in {"id", "hash"}}
            text = orjson.dumps(hashed, option=orjson.OPT_SORT_KEYS | orjson.OPT_UTC_Z, default=str)
            if entry["previous_hash"] != previous or entry["hash"] != hashlib.sha256(text).hexdigest():
                yield f"audit entry {entry['sequence']} breaks the chain"
            previous = entry["hash"]
        if previous != self.head["audit_head"]:
            yield "the audit's head is not its last entry"

    def changes_told_once(self) -> Iterator[str]:
        """Each activation change: one row of history, one event under its sequence, one audit entry."""
        told = [event["sequence"] for event in self.events if event["type"] == "activation.updated"]
        kept = [row["sequence"] for row in self.history]
        noted = sorted(
            orjson.loads(row["details"])["sequence"]
            for row in self.audit
            if row["action"] == "activation.update"
        )
        if not told == kept == noted:
            yield f"changes of gates: events {told}, history {kept}, audit {noted}"

    def phases_told_once(self) -> Iterator[str]:
        events = Counter(
            (event["data"]["run_id"], event["data"]["after"])
            for event in self.events
            if event["type"] == "apply.phase_changed"
        )
        noted = Counter(
            (row["object_id"].split("/", 1)[1], row["action"].removeprefix("apply."))
            for row in self.audit
            if row["object_type"] == "apply"
        )
        if events != noted or any(count > 1 for count in events.values()):
            yield f"phases are told {events} and noted {noted}"

    def tables_differ(self) -> Iterator[str]:
        """The rows must be what the last event of each gate and of each apply says."""
        last = {
            event["data"]["strategy_id"]: event["data"]
            for event in self.events
            if event["type"] == "activation.updated"
        }
        for gate in self.gates:
            event = last.get(gate["strategy_id"], {})
            for name in ("active", "weight", "freeze", "drain", "sequence", "run_id", "side"):
                if event.get(name) != gate[name]:
                    yield f"{name} of {gate['strategy_id']} is {gate[name]}, told was {event.get(name)}"
            if gate["freeze"] and not any(row["settled_at"] is None for row in self.applies):
                yield f"{gate['strategy_id']} is frozen and nothing is in flight"
            if gate["active"] and gate["state"] != "live":
                yield f"{gate['strategy_id']} is open to a binding that is {gate['state']}"
        phases = {
            event["data"]["run_id"]: event["data"]["after"]
            for event in self.events
            if event["type"] == "apply.phase_changed"
        }
        for apply in self.applies:
            if phases.get(apply["run_id"]) != apply["phase"]:
                yield f"apply {apply['run_id']} is {apply['phase']}, told was {phases.get(apply['run_id'])}"
        if sum(apply["settled_at"] is None for apply in self.applies) > 1:
            yield "more than one apply is in flight"


@dataclass
class Told:
    """An apply, as its events tell it."""

    run_id: str
    activate: list[str]
    deactivate: list[str]
    phase: str | None = None
    opened: set[str] = field(default_factory=set)
    closed: set[str] = field(default_factory=set)
    taken_back: set[str] = field(default_factory=set)
    promoted: set[str] = field(default_factory=set)


class Walk:
    """The event stream from its first event, as a client sees it."""

    def __init__(self, events: list[dict[str, Any]]) -> None:
        self.events = events
        self.applies: dict[str, Told] = {}
        self.gates: dict[str, dict[str, Any]] = {}
        self.breaker = False
        self.found: list[str] = []

    def faults(self) -> list[str]:
        for event in self.events:
            at = {
                "apply.phase_changed": self.phase,
                "activation.updated": self.gate,
                "binding.state_changed": self.binding,
                "world.state_changed": self.world,
            }.get(event["type"])
            if at is not None:
                at(event["data"])
        for apply in self.applies.values():
            self.all_or_none(apply)
        return self.found

    def in_flight(self) -> list[Told]:
        return [apply for apply in self.applies.values() if apply.phase not in ENDED]

    def phase(self, data: dict[str, Any]) -> None:
        told = Told(data["run_id"], data["activate"], data["deactivate"])
        apply = self.applies.setdefault(data["run_id"], told)
        if data["after"] not in NEXT.get(apply.phase, set()) or data["before"] != apply.phase:
            self.found.append(f"apply {apply.run_id} went from {apply.phase} to {data['after']}")
        apply.phase = data["after"]
        if len(self.in_flight()) > 1:
            self.found.append(f"{[each.run_id for each in self.in_flight()]} are in flight at once")

    def gate(self, data: dict[str, Any]) -> None:
        name, before = data["strategy_id"], self.gates.get(data["strategy_id"])
        if before is not None and data["epoch"] < before["epoch"]:
            self.found.append(f"{name} was told of epoch {data['epoch']} after {before['epoch']}")
        self.gates[name] = data
        apply = self.applies.get(data["run_id"])
        if is_open(data) and (before is None or not is_open(before)):
            self.opening(name, data, apply)
        if apply is None:
            for each in self.in_flight():
                each.taken_back |= {name} & {*each.activate}
        elif not is_open(data) and name in apply.deactivate:
            apply.closed.add(name)

    def opening(self, name: str, data: dict[str, Any], apply: Told | None) -> None:
        """A gate opens: by an apply that names it, when it is no longer frozen, or by an operator's own act."""
        if self.breaker:
            self.found.append(f"{name} opened with the breaker engaged")
        for each in self.in_flight():
            if each.phase in {"requested", "freeze", "switch"} and name in each.activate:
                self.found.append(f"{name} opened while {each.run_id} had it frozen ({each.phase})")
            if name in each.deactivate:
                self.found.append(f"{name}: its closing by {each.run_id} was undone")
        if data["run_id"] and (apply is None or name not in apply.activate or apply.phase != "unfreeze"):
            self.found.append(f"{name} was opened by {data['run_id']}, which does not say so")
        if apply is not None:
            apply.opened.add(name)

    def binding(self, data: dict[str, Any]) -> None:
        if data["after"] == "live":
            for each in self.in_flight():
                each.promoted.add(data["strategy_id"])

    def world(self, data: dict[str, Any]) -> None:
        self.breaker = data["circuit_breaker"]
        if self.breaker or data["after"] != "ACTIVE":
            for each in self.in_flight():
                each.taken_back |= {*each.activate}

    def all_or_none(self, apply: Told) -> None:
        wanted = {*apply.activate}
        if apply.phase == "completed" and apply.opened | apply.taken_back < wanted:
            self.found.append(f"{apply.run_id} opened only {apply.opened} of {wanted}")
        if apply.phase == "rolled_back" and (apply.opened or apply.promoted & wanted):
            self.found.append(f"{apply.run_id} was rolled back and opened {apply.opened or apply.promoted}")
        if not {*apply.deactivate} <= apply.closed:
            self.found.append(f"{apply.run_id} closed only {apply.closed} of {apply.deactivate}")


def is_open(data: dict[str, Any]) -> bool:
    """As a gate client reads the envelope."""
    return bool(
        data["active"] and data["effective_mode"] == "live" and not data["freeze"] and not data["drain"]
    )
