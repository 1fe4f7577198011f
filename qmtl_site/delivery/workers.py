"""A few threads that each keep their database connection, and close it when they end."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable

from django.db import connection

Work = Callable[[], None]


class Workers:
    """Daemons: a process that stops does not wait for one that hangs in a receiver's connection."""

    def __init__(self, name: str, number: int) -> None:
        self.todo: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
        self.threads = [
            threading.Thread(target=self.run, name=f"{name}-{n}", daemon=True) for n in range(number)
        ]
        for thread in self.threads:
            thread.start()

    def submit(self, work: Work) -> None:
        self.todo.put(work)

    def run(self) -> None:
        while (work := self.todo.get()) is not None:
            work()
        connection.close()

    def stop(self, seconds: float) -> None:
        """Let each finish what it does, for so long in all."""
        for _ in self.threads:
            self.todo.put(None)
        deadline = time.monotonic() + seconds
        for thread in self.threads:
            thread.join(max(0.0, deadline - time.monotonic()))
