"""What a runner remembers over a restart, in a small file of its own."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from qmtl.sdk.errors import StrategyError

log = logging.getLogger("qmtl.run")

FOLDER = Path(".qmtl_state")
VERSION = 1


class Saved:
    """`read` and `write` a JSON document, whole or not at all. A disk that is full stops no trading: it is told."""

    def __init__(self, folder: Path, world_id: str, strategy_id: str) -> None:
        self.path = folder / f"{world_id}-{strategy_id}.json"
        self.suffix = ""
        """Of the gate client's name: the same in every life of this folder's runner, and nobody else's."""
        self._told = False

    @contextmanager
    def held(self) -> Iterator[None]:
        """Nobody else's meanwhile: two runs of one strategy would trade it twice. StrategyError where somebody has it.
        The system lets it go when the process ends, however it ends."""
        path = self.path.with_suffix(".lock")
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            file = path.open("a+", encoding="ascii")  # it stays: who removed it could let two in
        except OSError as error:
            raise StrategyError(
                f"{path} cannot be made ({error.strerror}): nothing could keep a second runner from trading the same, "
                "nor would a restart know what was traded; run where it can be written"
            ) from None
        with file:
            self._lock(file)
            self.suffix = self._known(file)
            yield

    def _lock(self, file: IO[str]) -> None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StrategyError(
                f"another process runs this strategy in this world (it holds {file.name}): stop it first, "
                "a second one would trade everything twice"
            ) from None

    @staticmethod
    def _known(file: IO[str]) -> str:
        file.seek(0)
        known = file.read().strip()
        if not known:
            known = uuid.uuid4().hex[:8]
            with suppress(OSError):  # a full disk: the next life waits until this one's lease has ended
                file.write(known)
                file.flush()
        return known

    def read(self) -> dict[str, Any] | None:
        try:
            document = json.loads(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise StrategyError(
                f"{self.path} cannot be read ({error}): it remembers what was traded; mend or remove it"
            ) from None
        if not isinstance(document, dict) or document.get("version") != VERSION:
            raise StrategyError(f"{self.path} is of another version; remove it to begin anew")
        return document

    def write(self, document: dict[str, Any]) -> bool:
        draft = None
        text = json.dumps({"version": VERSION, **document}, separators=(",", ":"))  # many times `json.dump`
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle, draft = tempfile.mkstemp(dir=self.path.parent, prefix=".draft-")
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            os.replace(draft, self.path)
        except OSError as error:
            if draft is not None:
                Path(draft).unlink(missing_ok=True)
            if not self._told:
                log.error(
                    "%s cannot be written (%s): a restart will not know what was traded", self.path, error
                )
            self._told = True
            return False
        self._told = False
        return True
