"""A checkout whose processes are small."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from qmtl_site.launcher.places import PROJECT
from tests.ports import fresh_port

Ready = Callable[[subprocess.Popen[str]], str]
Ended = Callable[[subprocess.Popen[str], signal.Signals], tuple[int, str]]

PROCFILE = """\
web: python -u web.py $PORT
stream: python -u web.py $QMTL_STREAM_PORT
driver: python -u driver.py
"""

WEB = """\
import http.server, os, sys
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        if self.path == "/crash":
            os._exit(3)
    def log_message(self, *args):
        pass
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Page).serve_forever()
"""

DRIVER = """\
import os, time
print("owner is app:", os.environ["DATABASE_OWNER_URL"] == os.environ["DATABASE_URL"])
time.sleep(600)
"""

MANAGE = """\
import os, sys
import psycopg
if sys.argv[1] == "migrate":
    assert "qmtl_owner" in os.environ["DATABASE_OWNER_URL"]
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"]) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS django_migrations (id serial, app text, name text)")
        connection.execute("INSERT INTO django_migrations (app, name) VALUES ('worlds', '0001')")
print("from manage.py:", *sys.argv[1:])
sys.exit(os.path.exists(f"fail_{sys.argv[1]}"))
"""


class Checkout:
    """A copy of the launcher with stand-ins for manage.py and the processes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = fresh_port(2)  # the stream listens on the next one
        package = folder / "qmtl_site"
        shutil.copytree(PROJECT / "qmtl_site" / "launcher", package / "launcher")
        for name in ("__init__", "wsgi", "asgi"):
            (package / f"{name}.py").touch()
        for name, text in {
            "Procfile": PROCFILE,
            "web.py": WEB,
            "driver.py": DRIVER,
            "manage.py": MANAGE,
        }.items():
            (folder / name).write_text(text)

    def launch(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        return subprocess.Popen(
            [sys.executable, "-m", "qmtl_site.launcher", *arguments],
            cwd=self.folder,
            env=kept | {"PORT": str(self.port)} | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
