"""Where the service is and who asks: arguments, then the environment, then the file that `qmtl login` writes."""

from __future__ import annotations

import json
import os
import stat
import tempfile
import tomllib
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from qmtl.client.errors import ConfigError

LOCAL = "http://127.0.0.1:8000"
"""Where `make run` puts it."""


class ConfigWarning(UserWarning):
    """The configuration works, and should be mended."""


@dataclass(frozen=True)
class Config:
    """`stream_url` None: as the service's `/health` says."""

    url: str = LOCAL
    token: str | None = field(default=None, repr=False)
    stream_url: str | None = None


def config_path(environ: Mapping[str, str] = os.environ) -> Path:
    """The file: QMTL_CONFIG, else `qmtl/config.toml` below XDG_CONFIG_HOME or `~/.config`."""
    if given := environ.get("QMTL_CONFIG"):
        return Path(given).expanduser()
    base = environ.get("XDG_CONFIG_HOME")
    return (Path(base) if base else Path("~/.config").expanduser()) / "qmtl" / "config.toml"


def load_config(
    *,
    url: str | None = None,
    token: str | None = None,
    stream_url: str | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Config:
    """The first that says something: argument, environment (QMTL_URL, QMTL_TOKEN, QMTL_STREAM_URL), file, default.

    A token of the file goes only to the address that stands beside it. ConfigWarning where others can read it there.
    ConfigError for an address that is none or a
    file that cannot be read where no `url` is given.
    """
    try:
        kept = read_config(config_path(environ))
    except ConfigError:
        if url is None:
            raise
        kept = {}  # who says where need not have a sound file
    found_url = checked_url(url or environ.get("QMTL_URL") or kept.get("url") or LOCAL)
    of_file = kept if checked_url(kept.get("url") or LOCAL) == found_url else {}
    found_token = token or environ.get("QMTL_TOKEN")
    if not found_token and (found_token := of_file.get("token")):
        warn_of_readers(config_path(environ))
    stream = stream_url or environ.get("QMTL_STREAM_URL") or of_file.get("stream_url")
    return Config(found_url, checked_token(found_token), checked_url(stream) if stream else None)


def warn_of_readers(path: Path) -> None:
    """A token is its owner's alone."""
    mode = stat.S_IMODE(path.stat().st_mode)
    if os.name == "posix" and mode & 0o077:
        warnings.warn(
            f"{path} has your token and others may read it (mode {mode:o}): chmod 600 {path}",
            ConfigWarning,
            stacklevel=3,
        )


def save_config(config: Config, path: Path | None = None) -> Path:
    """Write the file, readable by its owner alone, whole or not at all."""
    path = path or config_path()
    lines = [f"url = {json.dumps(config.url)}"]
    if config.token:
        lines.append(f"token = {json.dumps(config.token)}")
    if config.stream_url:
        lines.append(f"stream_url = {json.dumps(config.stream_url)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, draft = tempfile.mkstemp(dir=path.parent, prefix=".config-")  # mode 600
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write("\n".join([*lines, ""]))
            os.replace(draft, path)
        except OSError:
            Path(draft).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise ConfigError(f"Cannot write {path}: {error.strerror}") from None
    return path


def read_config(path: Path) -> dict[str, str]:
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"Cannot read {path}: {error}") from None
    return {name: value for name, value in document.items() if isinstance(value, str)}


def checked_url(text: str) -> str:
    try:
        parts = urlsplit(text.strip())
        sound = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound = False
    if not sound:
        raise ConfigError(f"{text!r} is not the address of a service, like {LOCAL}")
    return text.strip().rstrip("/")


def checked_token(token: str | None) -> str | None:
    if token is None or not token.strip():
        return None
    token = token.strip()
    if not token.isascii() or not token.isprintable() or " " in token:
        raise ConfigError("The token contains characters that no token has")
    return token
