"""What the HTTP benchmarks run on: throw-away servers and the processes of the Procfile, as `make run` starts them.

The servers are always our own (QMTL_TEST_DATABASE_URL and the like name others): a DATABASE_URL in the shell
may be one that somebody works with.
"""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from honcho.environ import parse_procfile

from benchmarks.client import Client
from qmtl_site.launcher import commands, credentials, environment, signals
from qmtl_site.launcher.environment import Address
from qmtl_site.launcher.errors import Interrupted
from qmtl_site.launcher.places import PROJECT
from qmtl_site.launcher.ports import free_port
from qmtl_site.launcher.servers import throwaway_servers
from qmtl_site.launcher.watch import Watch

SECONDS_TO_START = 60
SECONDS_TO_STOP = 10


@dataclass(frozen=True)
class Scene:
    """A migrated database with two users, `admin` (superuser) and `risk` (no role yet), and nothing else."""

    address: Address
    environment: Mapping[str, str]
    admin: Client
    reader: Client
    log: Path
    watch: Watch

    @contextmanager
    def service(self, name: str, *options: str) -> Iterator[int]:
        """A process of the Procfile, with further options on its command line; gives its process id."""
        command = parse_procfile((PROJECT / "Procfile").read_text(encoding="utf-8")).processes[name]
        with self.log.open("ab") as log, signals.held():
            process = subprocess.Popen(
                ["/bin/sh", "-c", f"exec {' '.join([command, *options])}"],
                cwd=PROJECT,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            self.watch.process_started(process.pid, signal.SIGTERM)
        try:
            if name == "web":
                self.wait_until_ready(process)
            yield process.pid
        finally:
            stop(process)
            self.watch.process_ended(process.pid)

    def wait_until_ready(self, web: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + SECONDS_TO_START
        while time.monotonic() < deadline and web.poll() is None:
            try:
                if self.admin.get("/readyz").status == 200:
                    return
            except OSError:
                time.sleep(0.1)
        raise SystemExit(f"The web process does not answer:\n{self.last_words()}")

    def last_words(self, lines: int = 30) -> str:
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


def stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(SECONDS_TO_STOP)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextmanager
def scene(*, durable: bool = True, **settings: str) -> Iterator[Scene]:
    """Servers up, database migrated, users made; `durable` is with fsync, as in production.

    The watch ends the processes of a benchmark that is killed.
    """
    signals.install()  # SIGTERM and SIGHUP end the benchmark like Ctrl-C: everything is stopped
    with ExitStack() as stack:
        watch = stack.enter_context(closing(Watch()))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="qmtl-bench-")))
        watch.folder_made(folder)
        servers = stack.enter_context(throwaway_servers(os.environ, durable=durable))
        address = Address("127.0.0.1", free_port())
        setup = environment.for_commands(
            os.environ | settings, servers, secret_key=secrets.token_urlsafe(50), blobs=folder / "blobs"
        )
        (PROJECT / "static").mkdir(exist_ok=True)
        file = folder / "credentials.env"
        commands.manage(
            setup,
            ["migrate", "--noinput"],
            ["grant_roles"],
            ["ensure_local_users", "--credentials", str(file)],
        )
        tokens = credentials.read(file)
        yield Scene(
            address,
            environment.for_services(setup, address),
            Client(address.port, tokens["QMTL_TOKEN"]),
            Client(address.port, tokens["QMTL_RISK_TOKEN"]),
            folder / "processes.log",
            watch,
        )


def main() -> None:
    """For profiling by hand: the processes of the Procfile that are named, until Ctrl-C."""
    with suppress(Interrupted), scene() as it, ExitStack() as stack:
        for name in sys.argv[1:] or ["web"]:
            stack.enter_context(it.service(name))
        print(it.address.url, it.admin.token, it.reader.token, it.log, flush=True)
        signal.pause()


if __name__ == "__main__":
    main()
