"""Makes .venv and installs requirement files into it, when they changed: `install requirements.txt ...`.

Standard library only: it runs before anything is installed.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
VENV = PROJECT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / ".installed.json"
OLDEST = (3, 11)
TRY_PYTHON = f"import sys; sys.exit(sys.version_info < {OLDEST})"


def main(names: list[str]) -> None:
    if sys.version_info < OLDEST:
        sys.exit(f"QMTL needs Python 3.11 or newer; {sys.executable} is {sys.version.split()[0]}.")
    make_venv()
    wanted = {name: digest(PROJECT / name) for name in names}
    stamp = read_stamp()
    changed = [name for name in names if stamp.get(name) != wanted[name]]
    if changed:
        print(
            f"Installing {' and '.join(changed)} into .venv (the first time takes a minute) ...", flush=True
        )
        install([PROJECT / name for name in changed])
        STAMP.write_text(json.dumps(read_stamp() | wanted, indent=1) + "\n")


def make_venv() -> None:
    if works(PYTHON):
        return
    if VENV.exists():  # left by a Python that is gone, or too old
        shutil.rmtree(VENV)
    print(f"Creating .venv with Python {sys.version.split()[0]} ...", flush=True)
    made = subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=False)
    if made.returncode or not works(PYTHON):
        shutil.rmtree(VENV, ignore_errors=True)
        sys.exit("`python3 -m venv` failed. On Debian and Ubuntu: apt install python3-venv")


def works(python: Path) -> bool:
    try:
        return subprocess.run([str(python), "-c", TRY_PYTHON], check=False).returncode == 0
    except OSError:
        return False


def read_stamp() -> dict[str, str]:
    try:
        stamp: dict[str, str] = json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return {}
    return stamp


def digest(file: Path) -> str:
    """The requirements without comments: a new comment installs nothing."""
    lines = (line.partition("#")[0].strip() for line in file.read_text(encoding="utf-8").splitlines())
    return hashlib.sha256("\n".join(filter(None, lines)).encode()).hexdigest()


def install(files: list[Path]) -> None:
    arguments = [part for file in files for part in ("-r", str(file))]
    uv = find_uv()
    # uv is much faster, but does not read pip's configuration (an index or a certificate of one's own).
    if uv and succeeds(uv, "pip", "install", "--python", str(PYTHON), *arguments):
        return
    if not succeeds(str(PYTHON), "-m", "pip", "install", "--quiet", *arguments):
        sys.exit("The installation failed; the lines above say why. `make` again continues it.")


def find_uv() -> str | None:
    """uv in .venv, of the version that requirements-dev.txt pins."""
    pinned = re.search(r"^uv==(\S+)", (PROJECT / "requirements-dev.txt").read_text(encoding="utf-8"), re.M)
    if not pinned:
        return None
    uv = VENV / "bin" / "uv"
    if uv.exists() or succeeds(str(PYTHON), "-m", "pip", "install", "--quiet", f"uv=={pinned[1]}"):
        return str(uv)
    return None


def succeeds(*command: str) -> bool:
    environment = os.environ | {"PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    try:
        return subprocess.run(command, check=False, cwd=PROJECT, env=environment).returncode == 0
    except OSError:
        return False


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit(130)
