"""What an author's code does wrong, as whoever typed `qmtl submit` or `qmtl run` sees it: one kind of end for all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from evaluation.services import evaluate_waiting
from qmtl.client import Client
from qmtl_site.launcher.places import PROJECT
from tests.api import POLICY
from tests.cli.conftest import Qmtl
from tests.cli.test_run import day_of
from tests.client.conftest import Site

HEAD = """
import sys
import time
from pathlib import Path

from qmtl.sdk import Node, Strategy


class Base(Strategy):
    def setup(self):
        self.add(Node("weights", [self.stream()], self.decide))

    def decide(self, window):
        return [0.5, 0.5]


"""
AT = "failed at 2020-01-06T00:00:00Z: "
CASES = {
    "Count": ("decide(self, w): return [1.0]", AT + "it gives 1 weight"),
    "Missing": ("decide(self, w): return [float('nan')] * 2", AT + "it gives nan"),
    "Raises": ("decide(self, w): 1 / 0", AT + "ZeroDivisionError"),
    "Leaves": ("decide(self, w): sys.exit()", AT + "it ends the process"),
    "Yields": ("decide(self, w): yield 1.0", AT + "it gives a generator"),
    "Forgets": ("decide(self, w): w[-1]", "node 'weights' failed at"),
    "Setup": ("setup(self): 1 / 0", "setup of Setup failed: ZeroDivisionError"),
    "SetupLeaves": ("setup(self): sys.exit(0)", "setup of SetupLeaves failed: it ends the process: sys.exit(0)"),
    "Init": ("__init__(self): sys.exit(1)", "the constructor of Init failed: it ends the process: sys.exit(1)"),
    "InitRaises": ("__init__(self): 1 / 0", "the constructor of InitRaises failed: ZeroDivisionError"),
}  # fmt: skip
WITH_RUN = set(CASES) - {"Init", "InitRaises"}  # what cannot even be made is no submission


@pytest.fixture(scope="module")
def folder(client: Client, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("author")
    classes = [f"class {name}(Base):\n    def {body}\n" for name, (body, _) in CASES.items()]
    (folder / "bad.py").write_text(HEAD + "\n\n".join(classes))
    (folder / "broken.py").write_text("1 / 0\n")
    lines = ["date,A,B"] + [f"{day_of(n)},{100 + n % 7},{50 + n % 5}" for n in range(30)]
    (folder / "daily.csv").write_text("\n".join(lines))
    client.create_world("bad", data_presets=[{"id": "daily", "source": "csv", "interval": "1d"}])
    client.publish_policy("bad", POLICY)
    client.register_strategy("setup_leaves")
    client.bind("bad", ["setup_leaves"])
    return folder


@pytest.fixture
def submit(qmtl: Qmtl, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Qmtl:
    monkeypatch.setenv("QMTL_DATA_DIR", str(folder))
    monkeypatch.setenv("COLUMNS", "200")
    return lambda place, *words: qmtl("submit", f"{folder}/{place}", "bad", *words)


@pytest.mark.parametrize("name", CASES)
def test_every_mistake_ends_as_rejected(submit: Qmtl, name: str) -> None:
    said = submit(f"bad.py:{name}")
    assert said.code == 1, said
    assert CASES[name][1] in said.out
    assert "bad.py" in said.out
    assert "mend it and submit again" in said.out
    assert "qmtl/sdk" not in said.out + said.err


@pytest.mark.parametrize("name", ["Raises", "Setup", "Init"])
def test_its_document_has_the_report(submit: Qmtl, name: str) -> None:
    said = submit(f"bad.py:{name}", "--format", "json")
    document = said.document
    assert (said.code, document["status"], document["downgraded"]) == (1, "rejected", True)
    assert "Traceback" in document["error"]
    assert (document["evaluation_run_id"] is not None) is (name in WITH_RUN)


def test_its_verdict_is_told_whenever_somebody_asks(submit: Qmtl, qmtl: Qmtl) -> None:
    submit("bad.py:Raises")
    evaluate_waiting(world_id="bad")
    named = ("bad", "--strategy", "raises")
    status, why = qmtl("world", "run-status", *named), qmtl("world", "explain", *named)
    assert (status.code, why.code) == (1, 1)
    assert f"node 'weights' {AT}ZeroDivisionError: division by zero" in status.out
    assert "`qmtl world explain bad --strategy raises` shows the lines that failed" in status.out
    assert "rejected: its own code failed" in why.out
    assert "1 / 0" in why.out
    assert "Not satisfied" not in why.out
    document = qmtl("world", "explain", *named, "--format", "json").document
    assert (document["status"], document["ws"]["violations"][0]["reason_code"]) == (
        "rejected", "evaluation.error",
    )  # fmt: skip


def test_a_module_that_fails_is_told_on_stderr(submit: Qmtl) -> None:
    said = submit("broken.py")
    assert (said.code, said.out) == (1, "")
    assert "broken.py failed: ZeroDivisionError" in said.err
    assert "line 1" in said.err
    assert "Runner.offline" in said.err


@pytest.mark.parametrize("name", ["bad.py:SetupLeaves", "bad.py:Init", "broken.py"])
def test_a_runner_of_it_is_not_started_again(site: Site, folder: Path, name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "qmtl", "run", name, "--world", "bad", "--replay", "--format", "json"],
        cwd=folder, env=environment(site, folder), capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert '"restarts": 0' in done.stdout
    assert " failed: " in done.stderr


def test_ctrl_c_is_an_interrupt(site: Site, folder: Path) -> None:
    (folder / "slow.py").write_text(
        HEAD + "class Slow(Base):\n    def decide(self, w):\n        Path('began').touch(); time.sleep(30)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "qmtl", "submit", "slow.py:Slow", "bad"],
        cwd=folder, env=environment(site, folder), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        # Where the tests run in the background of a shell, it is ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    deadline = time.monotonic() + 30
    while not (folder / "began").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 130, err
    assert "Traceback" not in out + err


def environment(site: Site, folder: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(PROJECT),
        "QMTL_URL": site.url,
        "QMTL_TOKEN": site.token,
        "QMTL_DATA_DIR": str(folder),
        "QMTL_CONFIG": str(folder / "none.toml"),
    }
