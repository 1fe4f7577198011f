"""Watches over runners: one process each, restarted with backoff where it fails, stopped together."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from qmtl.cli.failures import OK, REFUSED, UNREACHABLE, USAGE
from qmtl.cli.runners_file import Plan

LOOK = 0.1
LAST_WORDS = 5.0
STEADY = 60.0
"""Seconds after which a process counts as one that ran: its next failure is the first again."""


@dataclass(frozen=True)
class Terms:
    """How restarts are made: so many failures one after the other, pauses in seconds, doubled from first to most."""

    max_failures: int = 10
    first: float = 1.0
    most: float = 60.0
    grace: float = 30.0

    def pause(self, failures: int) -> float:
        return min(self.most, self.first * 2.0 ** min(failures - 1, 30))


@dataclass
class Watched:
    """One runner. `state`: starting, running, waiting (for its restart), completed, stopped, failed."""

    plan: Plan
    state: str = "starting"
    process: subprocess.Popen[str] | None = None
    restarts: int = 0
    failures: int = 0
    tries: int = 0
    began: float = 0.0
    again_at: float = 0.0
    code: int | None = None
    status: dict[str, Any] = field(default_factory=dict)
    report: dict[str, Any] | None = None
    error: str = ""
    is_hopeless: bool = False
    failed_at: dict[str, str] | None = None
    hearing: list[threading.Thread] = field(default_factory=list)

    @property
    def is_over(self) -> bool:
        return self.state in {"completed", "stopped", "failed"}

    @property
    def has_spoken(self) -> bool:
        """Whether it said how it ended. A status without that says nothing: any code may end a process with any."""
        return self.report is not None or bool(self.error)

    @property
    def status_told(self) -> int | None:
        """The exit status that it meant; REFUSED where it said nothing."""
        return self.code if self.has_spoken else REFUSED

    def document(self) -> dict[str, Any]:
        return {
            "strategy": self.plan.strategy,
            "world": self.plan.world,
            "state": self.state,
            "pid": self.process.pid if self.process else None,
            "restarts": self.restarts,
            "exit_status": self.code,
            "status": self.status,
            "report": self.report,
            "error": self.error or None,
        }


class Supervisor:
    """`log(plan, line)` is told every line that a runner says. `stop` ends all of them."""

    def __init__(
        self,
        plans: Sequence[Plan],
        access: dict[str, Any],
        *,
        terms: Terms,
        log: Callable[[Plan, str], None],
        on_change: Callable[[list[dict[str, Any]]], None] | None = None,
    ) -> None:
        self.watched = [Watched(plan) for plan in plans]
        self.access, self.terms, self.log, self.on_change = access, terms, log, on_change
        self.stopping = threading.Event()
        self.in_haste = threading.Event()
        self.heard: queue.SimpleQueue[tuple[Watched, str, Any]] = queue.SimpleQueue()

    def run(self) -> list[Watched]:
        """Until all have ended. Whatever happens, no process is left behind."""
        try:
            for one in self.watched:
                self.start(one)
            while not all(one.is_over for one in self.watched):
                self.listen()
                for one in self.watched:
                    self.look_at(one)
                if self.stopping.is_set():
                    self.end_all()
        finally:
            self.end_all()
            self.tell()
        return self.watched

    # --- one of them ------------------------------------------------------------------------------------------
    def start(self, one: Watched) -> None:
        one.process = subprocess.Popen(
            [sys.executable, "-u", "-m", "qmtl.cli.runner"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,  # Ctrl-C is ours to pass on
        )
        one.began, one.state, one.report, one.error = time.monotonic(), "running", None, ""
        one.code, one.is_hopeless = None, False
        one.hearing = []
        for what, stream in (("document", one.process.stdout), ("line", one.process.stderr)):
            thread = threading.Thread(target=self.hear, args=(one, what, stream), daemon=True)
            thread.start()
            one.hearing.append(thread)
        try:
            assert one.process.stdin is not None
            one.process.stdin.write(json.dumps({**one.plan.document(), **self.access}) + "\n")
            one.process.stdin.flush()
        except OSError:
            pass  # it is gone already; its end says why
        self.tell()

    def hear(self, one: Watched, what: str, stream: Any) -> None:
        for line in stream:
            self.heard.put((one, what, line.rstrip("\n")))

    def listen(self) -> None:
        """Take what is heard, for a moment."""
        deadline = time.monotonic() + LOOK
        while (left := deadline - time.monotonic()) > 0:
            try:
                self.note(*self.heard.get(timeout=left))
            except queue.Empty:
                return

    def hear_out(self, one: Watched) -> None:
        """Take what a process that has ended said last."""
        for thread in one.hearing:
            thread.join(timeout=LAST_WORDS)
        while not self.heard.empty():
            self.note(*self.heard.get())

    def note(self, one: Watched, what: str, line: str) -> None:
        if what == "line":
            self.log(one.plan, line)
        else:
            self.take(one, line)

    def take(self, one: Watched, line: str) -> None:
        try:
            document = json.loads(line)
        except ValueError:
            self.log(one.plan, line)
            return
        if "status" in document:
            one.status = document["status"]
            self.tell()
        elif "report" in document:
            one.report = document["report"]
            one.error = document["report"].get("error") or ""
        elif "error" in document or "hopeless" in document:
            one.error = document.get("error") or document["hopeless"]
            one.is_hopeless = "hopeless" in document

    def look_at(self, one: Watched) -> None:
        now = time.monotonic()
        if one.state == "waiting" and now >= one.again_at:
            one.restarts += 1
            self.start(one)
        elif one.state == "running" and one.process is not None and one.process.poll() is not None:
            self.hear_out(one)
            self.ended(one, one.process.returncode, now)

    def ended(self, one: Watched, code: int, now: float) -> None:
        """A process has ended: for good, or until its restart."""
        one.code = code
        for line in one.error.splitlines():
            self.log(one.plan, line)
        if code == OK and one.report is not None:
            ended = one.report.get("ended", "completed")
            one.state = ended if ended in {"completed", "stopped"} else "failed"
        elif self.stopping.is_set():
            one.state = "stopped"
        elif one.status_told == USAGE or one.is_hopeless or self.has_failed_so_before(one):
            one.state = "failed"  # it will not get better by itself
        else:
            self.again(one, now)
        self.tell()

    def has_failed_so_before(self, one: Watched) -> bool:
        """Whether the same code failed at the same bar in the same way the last time, too: once more is of no use."""
        before, one.failed_at = one.failed_at, (one.report or {}).get("failed_at")
        if one.failed_at is None or one.failed_at != before:
            return False
        where, at = one.failed_at.get("where"), one.failed_at.get("at")
        self.log(
            one.plan,
            f"{where} failed at {at} twice in the same way: this code is not started again; mend it first",
        )
        return True

    def again(self, one: Watched, now: float) -> None:
        if now - one.began >= STEADY:
            one.tries = one.failures = 0
        one.tries += 1
        one.failures += one.status_told != UNREACHABLE  # a service that is away is waited for
        if one.failures > self.terms.max_failures:
            self.log(one.plan, f"failed {one.failures} times one after the other: given up")
            one.state = "failed"
            return
        pause = self.terms.pause(one.tries)
        one.state, one.again_at = "waiting", now + pause
        how = f"ended with status {one.code}" + ("" if one.has_spoken else " and without a report")
        self.log(one.plan, f"{how}; it is started again in {pause:g} s")

    # --- all of them ------------------------------------------------------------------------------------------
    def end_all(self) -> None:
        """Ask those that run to stop; kill those that do not."""
        running = [one for one in self.watched if one.process is not None and one.process.poll() is None]
        for one in running:
            assert one.process is not None
            one.process.terminate()
        deadline = time.monotonic() + self.terms.grace
        while any(one.process and one.process.poll() is None for one in running):
            if time.monotonic() >= deadline or self.in_haste.is_set():
                for one in running:
                    if one.process and one.process.poll() is None:
                        one.process.kill()
                        one.process.wait()
            self.listen()
        for one in self.watched:
            self.hear_out(one)
            if not one.is_over:
                one.code = one.process.returncode if one.process else None
                one.state = "stopped" if one.code in {OK, None} or one.state == "waiting" else "failed"

    def tell(self) -> None:
        if self.on_change is not None:
            self.on_change([one.document() for one in self.watched])


def exit_status(watched: Sequence[Watched]) -> int:
    """0 where none failed; else that of the failures where they are of one kind, and 1 where not."""
    told = {one.status_told for one in watched if one.state == "failed"}
    codes = {each if each in {USAGE, UNREACHABLE} else REFUSED for each in told}
    if not codes:
        return OK
    return codes.pop() if len(codes) == 1 else REFUSED
