"""One strategy in a process of its own, as `qmtl run` starts it: `python -m qmtl.cli.runner`.

The first line of its stdin is what it is to run. When stdin ends, whoever watches over it is gone, and it stops. Each
line of its stdout is a document: a status now and then, and a report or an error at the end. Words go to stderr. An
error that will not get better by itself is told as `hopeless`: a strategy that cannot even be set up.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import traceback
from dataclasses import asdict
from typing import IO, Any

from qmtl.client.errors import QmtlError
from qmtl.sdk import AuthorError, Runner, load_strategy
from qmtl.sdk.strategy import made


def main() -> None:
    told = documents()
    plan = json.loads(sys.stdin.readline())
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    threading.Thread(target=stop_with, args=(stop,), name="watched", daemon=True).start()
    sys.exit(run(plan, stop, told))


def documents() -> IO[str]:
    """Where documents go. What a strategy prints goes to stderr and is no document."""
    told = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return told


def stop_with(stop: threading.Event) -> None:
    """Whoever started it is gone when its end of the pipe is."""
    while os.read(0, 4096):
        pass
    stop.set()


def run(plan: dict[str, Any], stop: threading.Event, told: IO[str]) -> int:
    """Run it to its end. Returns the exit status."""

    def tell(what: str, document: Any) -> None:
        told.write(json.dumps({what: document}, default=str) + "\n")
        told.flush()

    try:
        kind = load_strategy(plan["strategy"])
        strategy = made(kind, plan["params"])
        report = Runner.run(
            strategy,
            plan["world"],
            gateway_url=plan["url"],
            token=plan["token"],
            data_preset=plan["data_preset"],
            replay=plan["replay"],
            speed=plan["speed"],
            start=plan["start"],
            executor=plan["executor"],
            stop=stop,
            on_status=lambda status: tell("status", status),
        )
    except AuthorError as error:
        tell("hopeless", f"{error.report}\n{error.next_step}")
        return error.exit_status
    except QmtlError as error:
        tell("error", f"{error}. {error.next_step}".strip() if error.next_step else str(error))
        return error.exit_status
    except Exception as error:  # an author's code may raise anything
        traceback.print_exc()
        tell("error", f"{type(error).__name__}: {error}")
        return 1
    tell("report", asdict(report))
    return report.exit_status


if __name__ == "__main__":
    main()
