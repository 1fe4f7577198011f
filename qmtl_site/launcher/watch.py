"""A process that outlives its launcher by a moment: it stops what a killed launcher left behind.

It reads a pipe that only the launcher holds. The pipe's end without "done" means that the launcher
was killed. This works alike on Linux and macOS, and for grandchildren. Standard library only: it is
started by its path, and starts fast.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TextIO

GRACE_SECONDS = 8.0


class Watch:
    """The launcher's end of the pipe."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", __file__],
            stdin=subprocess.PIPE,
            text=True,
            start_new_session=True,
            cwd="/",
        )

    def process_started(self, pid: int, stop_signal: signal.Signals) -> None:
        """`pid` leads a process group of its own."""
        self._tell(f"process {pid} {int(stop_signal)}")

    def process_ended(self, pid: int) -> None:
        self._tell(f"ended {pid}")

    def folder_made(self, folder: Path) -> None:
        """A throw-away folder."""
        self._tell(f"folder {folder}")

    def close(self) -> None:
        self._tell("done")
        if self._process.stdin:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        self._process.wait()

    def _tell(self, line: str) -> None:
        if self._process.stdin and not self._process.stdin.closed:
            with contextlib.suppress(OSError):
                self._process.stdin.write(line + "\n")
                self._process.stdin.flush()


def follow(pipe: TextIO) -> None:
    processes: dict[int, int] = {}
    folders: list[str] = []
    for line in pipe:
        word, _, rest = line.rstrip("\n").partition(" ")
        if word == "done":
            return
        if word == "process":
            pid, _, stop_signal = rest.partition(" ")
            processes[int(pid)] = int(stop_signal)
        elif word == "ended":
            processes.pop(int(rest), None)
        elif word == "folder":
            folders.append(rest)
    stop_all(processes)
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


def stop_all(processes: dict[int, int]) -> None:
    """All at once: those who used the databases were to end anyway, and a next start may be waiting."""
    for pid, stop_signal in processes.items():
        with contextlib.suppress(OSError):
            os.kill(pid, stop_signal)
    deadline = time.monotonic() + GRACE_SECONDS
    while any(map(is_alive, processes)) and time.monotonic() < deadline:
        time.sleep(0.05)
    for pid in processes:
        with contextlib.suppress(OSError):
            os.killpg(pid, signal.SIGKILL)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


if __name__ == "__main__":
    follow(sys.stdin)
