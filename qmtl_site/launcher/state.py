"""What must be the same at the next start: passwords and ports of the embedded servers."""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path

from qmtl_site.launcher.private_files import write_private


def _password() -> str:
    return secrets.token_urlsafe(24)


@dataclass
class State:
    admin_password: str = field(default_factory=_password)
    owner_password: str = field(default_factory=_password)
    app_password: str = field(default_factory=_password)
    valkey_password: str = field(default_factory=_password)
    postgres_port: int = 0
    valkey_port: int = 0

    @classmethod
    def load(cls, path: Path) -> State:
        return cls(**json.loads(path.read_text(encoding="utf-8")))

    def save(self, path: Path) -> None:
        write_private(path, json.dumps(asdict(self), indent=1) + "\n")

    def knows(self, url: str) -> bool:
        """Whether a URL belongs to these servers: credentials.env may have been sourced into the shell."""
        ours = (self.admin_password, self.owner_password, self.app_password, self.valkey_password)
        return any(password in url for password in ours)
