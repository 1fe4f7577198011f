"""Folders to launch from."""

from __future__ import annotations

import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from qmtl_site.launcher.places import existing_outside_place
from qmtl_site.launcher.servers import reset
from qmtl_site.launcher.watch import Watch
from tests.launcher.checkout import Checkout, Ended, Ready


@pytest.fixture
def watch() -> Iterator[Watch]:
    with closing(Watch()) as watch:
        yield watch


@contextmanager
def temporary_folder(mode: int, below: str = ".") -> Iterator[Path]:
    top = Path(tempfile.mkdtemp(prefix="qmtl-test-"))
    top.chmod(mode)
    folder = top / below
    folder.mkdir(exist_ok=True)
    yield folder
    reset(folder)
    # With a virtualenv below a closed home, the binaries were copied there.
    if outside := existing_outside_place(folder / ".local"):
        shutil.rmtree(outside)
    shutil.rmtree(top)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A temporary folder that every account can enter, unlike pytest's own."""
    with temporary_folder(0o755) as folder:
        yield folder


@pytest.fixture
def closed_home() -> Iterator[Path]:
    """What /root is: nobody else may enter."""
    with temporary_folder(0o700) as folder:
        yield folder


@pytest.fixture
def deep_folder() -> Iterator[Path]:
    """Longer than the path of a unix socket may be."""
    with temporary_folder(0o755, below="deep" * 30) as folder:
        yield folder


@pytest.fixture
def new_local(open_folder: Path) -> Path:
    """A `.local` without data."""
    folder = open_folder / ".local"
    folder.mkdir()
    return folder


@pytest.fixture(scope="module")
def local() -> Iterator[Path]:
    """A `.local` that the tests of a module share: making a cluster takes a second."""
    with temporary_folder(0o755) as folder:
        (folder / ".local").mkdir()
        yield folder / ".local"


@pytest.fixture
def new_checkout(open_folder: Path) -> Checkout:
    return Checkout(open_folder)


@pytest.fixture(scope="module")
def checkout() -> Iterator[Checkout]:
    with temporary_folder(0o755) as folder:
        yield Checkout(folder)


@pytest.fixture
def until_ready() -> Ready:
    """Reads a launcher's output until it says that QMTL is ready."""

    def read(process: subprocess.Popen[str]) -> str:
        seen = ""
        for line in process.stdout or ():
            seen += line
            if line.startswith("Ctrl-C stops"):
                return seen
        raise AssertionError(seen)

    return read


@pytest.fixture
def ended_by() -> Ended:
    """Sends a signal; returns exit status and the rest of the output."""

    def end(process: subprocess.Popen[str], number: signal.Signals) -> tuple[int, str]:
        process.send_signal(number)
        output, _ = process.communicate(timeout=20)
        return process.returncode, output

    return end


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool]], bool]:
    def wait(condition: Callable[[], bool]) -> bool:
        deadline = time.monotonic() + 10
        while not condition() and time.monotonic() < deadline:
            time.sleep(0.05)
        return condition()

    return wait
