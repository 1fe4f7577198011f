"""Starting and stopping one server process."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from qmtl_site.launcher import signals
from qmtl_site.launcher.account import Account
from qmtl_site.launcher.watch import Watch


@dataclass(frozen=True)
class Ground:
    """What the servers stand on."""

    place: Path  # their data
    local: Path  # the project's `.local`
    account: Account
    watch: Watch
    durable: bool


class ServerProcess:
    """A server in a session of its own, so that Ctrl-C reaches only the launcher, which stops it in order."""

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        ground: Ground,
        log: Path,
        stop_signal: signal.Signals,
        standard_input: str = "",
    ) -> None:
        self._watch = ground.watch
        self._stop_signal = stop_signal
        self.log = log
        with signals.held(), open(log, "w", encoding="utf-8") as output:
            self._process = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **ground.account.popen_options(),
            )
            ground.watch.process_started(self._process.pid, stop_signal)
        if self._process.stdin:
            with contextlib.suppress(OSError):
                self._process.stdin.write(standard_input.encode())
            with contextlib.suppress(OSError):
                self._process.stdin.close()

    @property
    def pid(self) -> int:
        return self._process.pid

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def stop(self) -> None:
        for stop_signal, seconds in ((self._stop_signal, 10), (signal.SIGQUIT, 3), (signal.SIGKILL, 3)):
            if not self.is_alive():
                break
            self._process.send_signal(stop_signal)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(seconds)
        with contextlib.suppress(OSError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._watch.process_ended(self._process.pid)

    def last_words(self, lines: int = 15) -> str:
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


def wait_until_gone(pid: int, seconds: float) -> bool:
    """Wait for a process that is not our child."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def command_line(pid: int) -> str:
    """The command line of a process; empty if there is none. Small containers have no `ps`."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        if Path("/proc/self/cmdline").exists():
            return ""
    shown = subprocess.run(
        ["ps", "-o", "command=", "-p", str(pid)], check=False, capture_output=True, text=True
    )
    return shown.stdout.strip()
