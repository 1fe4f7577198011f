"""What a world's events say of handed orders, read from the log: what was told while nobody listened is read later."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from qmtl.client import Client, UnexpectedAnswer
from qmtl.client.calls import get
from qmtl.sdk.runtime.handed import HandedOrder, read_handed

PAGE = 500
WITH_RUNNER = frozenset({"handed", "filled"})
TAKEN_BACK = frozenset({"cancelling", "cancelled"})
REMEMBERED = 1_000
"""Rebalancings after which a capital is not changed again."""


class HandedLog:
    """`executor`: the name under which the runner is handed orders, "" for none.

    mine: orders to carry out. scales: by what the strategy's capital is to be multiplied, by rebalancing. applied: by
    what it was, of rebalancings that may still be cancelled; undone: of those that were cancelled since. touched:
    orders with a part of the strategy of which the service may have fills that nobody has booked here.
    """

    def __init__(self, client: Client, world_id: str, strategy_id: str, executor: str) -> None:
        self.client, self.world_id, self.strategy_id = client, world_id, strategy_id
        self.executor = executor
        self.sequence: int | None = None
        self.mine: dict[str, HandedOrder] = {}
        self.scales: dict[str, Decimal] = {}
        self.resized: list[str] = []
        self.applied: dict[str, Decimal] = {}
        self.undone: dict[str, Decimal] = {}
        self.touched: list[str] = []

    def begin(self, newest: int) -> None:
        """Without a memory an executor reads the log from its beginning, and takes what is still handed; nobody else
        has lost anything."""
        if self.sequence is None and not self.executor:
            self.sequence = newest

    def read(self, lock: AbstractContextManager[Any]) -> bool:
        """Everything that was told since; whether that was anything. The network is not waited for under the lock."""
        is_first, found = self.sequence is None, False
        for event in self._events(self.sequence or 0):
            with lock:
                self.sequence = int(event["sequence"])
                if event["type"] == "rebalancing.applied":
                    found = True
                    self._note(event, is_first)
        if is_first:
            self.sequence = self.sequence or 0
            runs = {each.run_id for each in self.mine.values()}
            self.scales = {run: scale for run, scale in self.scales.items() if run in runs}
        return found

    def _events(self, after: int) -> Iterator[Mapping[str, Any]]:
        while True:
            call = get(
                "/worlds/{world_id}/events",
                None,
                query={"after": after, "limit": PAGE},
                world_id=self.world_id,
            )
            # As it was written: a quantity has more digits than a float.
            page = json.loads(self.client.answer(replace(call, binary=True)), parse_float=Decimal)
            yield from page["events"]
            if not page["events"]:
                return
            after = page["events"][-1]["sequence"]

    def _note(self, event: Mapping[str, Any], is_first: bool) -> None:
        data, sequence = event["data"], int(event["sequence"])
        try:
            for row in data["orders"]:
                if row["mode"] == "live" and row["status"] in WITH_RUNNER | TAKEN_BACK:
                    self._note_order(row, str(data["run_id"]), sequence, event, is_first)
            own = any(self._is_own(row) and row["status"] in WITH_RUNNER for row in data["orders"])
            if own and data["mode"] == "scaling" and data["run_id"] not in self.resized:
                scales = data["per_world"][self.world_id]["scale_by_strategy"]
                if self.strategy_id in scales:
                    self.scales[str(data["run_id"])] = Decimal(scales[self.strategy_id])
            self._note_end(str(data["run_id"]), data["status"])
        except (KeyError, TypeError, ValueError, ArithmeticError) as error:
            raise UnexpectedAnswer(
                f"event {sequence} of {self.world_id} makes no sense: {error!r}"
            ) from error

    def _note_order(
        self, row: Mapping[str, Any], run_id: str, sequence: int, event: Mapping[str, Any], is_first: bool
    ) -> None:
        name = str(row["order_id"])
        is_mine = bool(self.executor) and row["executor"] == self.executor
        known = self.mine.get(name)
        if row["status"] == "filled":
            self.mine.pop(name, None)
        elif known is not None:
            known.sequence = sequence
        elif is_mine and row["status"] != "cancelled":
            told_at = datetime.fromisoformat(event["time"])
            self.mine[name] = read_handed(
                row, world_id=self.world_id, run_id=run_id, sequence=sequence, told_at=told_at
            )
        if row["status"] in TAKEN_BACK and name in self.mine:
            self.mine[name].is_cancelling = True
            self.mine[name].is_over = row["status"] == "cancelled"
        if self._is_own(row) and not is_first and name not in self.touched:
            self.touched.append(name)

    def _note_end(self, run_id: str, status: str) -> None:
        """Who is cancelled keeps the allocation that he had: his capital is what it was."""
        if status == "completed":
            self.applied.pop(run_id, None)
        elif status == "cancelled":
            self.scales.pop(run_id, None)
            if run_id in self.applied:
                self.undone[run_id] = self.applied.pop(run_id)

    def _is_own(self, row: Mapping[str, Any]) -> bool:
        return (
            row["mode"] == "live"
            and bool(row["status"] in WITH_RUNNER or (row["status"] in TAKEN_BACK and row["executor"]))
            and any(part["strategy_id"] == self.strategy_id for part in row["parts"])
        )

    def has_resized(self, run_id: str) -> None:
        if run_id in self.scales:
            self.applied[run_id] = self.scales.pop(run_id)
        self.resized = [*self.resized, run_id][-REMEMBERED:]

    # --- saved and restored -------------------------------------------------------------------------------------
    def state(self) -> dict[str, Any]:
        return {
            "sequence": self.sequence,
            "mine": [each.state() for each in self.mine.values()],
            "scales": texts(self.scales),
            "applied": texts(self.applied),
            "undone": texts(self.undone),
            "resized": self.resized,
            "touched": self.touched,
        }

    def load(self, state: Mapping[str, Any]) -> None:
        self.sequence = state["sequence"]
        self.mine = {each["order_id"]: HandedOrder.load(each) for each in state["mine"]}
        self.scales, self.applied, self.undone = (
            {run: Decimal(scale) for run, scale in state.get(name, {}).items()}
            for name in ("scales", "applied", "undone")
        )
        self.resized, self.touched = list(state["resized"]), list(state["touched"])


def texts(scales: Mapping[str, Decimal]) -> dict[str, str]:
    return {run: str(scale) for run, scale in scales.items()}
