"""What can go wrong before QMTL runs; each message says what to do."""

from __future__ import annotations


class LaunchError(Exception):
    """Shown to the person at the terminal as one message, without a traceback."""


class AlreadyRunningError(LaunchError):
    """Another launcher holds this folder."""


class Interrupted(BaseException):
    """A signal asked the launcher to stop. Not an Exception: no `except Exception` may swallow it."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(signal_number)
        self.signal_number = signal_number
