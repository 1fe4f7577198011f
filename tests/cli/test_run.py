"""`qmtl submit` and `qmtl run`: processes that are started, started again, and stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connections

from evaluation.services import evaluate_waiting
from qmtl.cli.runners_file import Plan
from qmtl.cli.supervisor import Supervisor, Terms, Watched, exit_status
from qmtl.client import Client
from qmtl.sdk import Runner, load_strategy
from qmtl_site.launcher.places import PROJECT
from tests.api import POLICY
from tests.cli.conftest import Qmtl
from tests.client.conftest import Site

STRATEGIES = """
import os
from pathlib import Path

import numpy as np

from qmtl.sdk import Node, Strategy


class Holding(Strategy):
    part = 1.0

    def setup(self):
        self.add(Node("weights", [self.stream("close")], lambda w: self.part * np.ones(w.shape[1]) / w.shape[1]))


class Breaking(Holding):
    def setup(self):
        self.add(Node("weights", [self.stream("close")], self.decide))

    def decide(self, w):
        if Path("break").exists():
            raise ZeroDivisionError("nothing to divide by")
        return np.ones(w.shape[1]) / w.shape[1]


class Dying(Breaking):
    def decide(self, w):
        if Path("die").exists():
            status = int(Path("die").read_text())
            Path("die").unlink()
            os._exit(status)
        return np.ones(w.shape[1]) / w.shape[1]


class Drifting(Breaking):
    def decide(self, w):
        bars = int(Path("break").read_text() or 0) + 1 if Path("break").exists() else 0
        if bars:
            Path("break").write_text(str(bars))
        if bars in (7, 20, 35):  # the 7th bar of a life, then the 13th, then the 15th
            raise ZeroDivisionError("somewhere else each time")
        return np.ones(w.shape[1]) / w.shape[1]
"""
NAMES = ("Holding", "Breaking", "Dying", "Drifting")


@pytest.fixture(scope="module")
def folder(site: Site, client: Client, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Strategies that are submitted to `paper`, and the data of its preset."""
    folder = tmp_path_factory.mktemp("author")
    (folder / "mine.py").write_text(STRATEGIES)
    lines = ["date,A,B"] + [f"{day_of(n)},{100 + n % 7},{50 + n % 5}" for n in range(300)]
    (folder / "daily.csv").write_text("\n".join(lines))
    preset = {"id": "daily", "source": "csv", "interval": "1d", "symbols": ["A", "B"]}
    client.create_world("paper", data_presets=[preset])
    client.publish_policy("paper", {**POLICY, "validation_profiles": {"backtest": {}}})
    os.environ["QMTL_DATA_DIR"] = str(folder)
    for name in NAMES:
        kind = load_strategy(f"{folder / 'mine.py'}:{name}")
        Runner.submit(kind, "paper", client=client, wait=False)
    evaluate_waiting(world_id="paper")
    return folder


def day_of(number: int) -> str:
    import numpy as np

    return str(np.busday_offset("2020-01-06", number, roll="forward"))


Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(site: Site, folder: Path, tmp_path: Path) -> Iterator[Start]:
    """`start("mine.py:Holding", "--replay")`: the real program, in the author's folder."""
    running = []
    environ = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(PROJECT),
        "QMTL_URL": site.url,
        "QMTL_TOKEN": site.token,
        "QMTL_WORLD": "paper",
        "QMTL_DATA_DIR": str(folder),
        "QMTL_CONFIG": str(tmp_path / "none.toml"),
    }
    (tmp_path / "mine.py").write_text(STRATEGIES)

    def run(*words: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "qmtl", "run", *words, "--format", "json"],
            cwd=tmp_path, env=environ, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        running.append(process)
        return process

    yield run
    for process in running:
        process.kill()
        process.communicate()


def heard(process: subprocess.Popen[str], wanted: str) -> str:
    """What it says until it says that."""
    assert process.stderr is not None
    lines = []
    late = threading.Timer(40, process.kill)
    late.start()
    try:
        for line in process.stderr:
            lines.append(line)
            if wanted in line:
                return "".join(lines)
    finally:
        late.cancel()
    raise AssertionError("".join(lines))


def ended(process: subprocess.Popen[str]) -> tuple[int, list[dict[str, Any]], str]:
    out, err = process.communicate(timeout=60)
    return process.returncode, json.loads(out)["items"], err


def test_strategies_run_to_the_end_of_their_data(start: Start, tmp_path: Path) -> None:
    words = ("mine.py:Holding", "mine.py:Breaking", "--replay", "--start", "2020-06-01")
    code, items, err = ended(start(*words, "--log-dir", "logs", "--status-file", "status.json"))
    assert code == 0, err
    assert [(each["state"], each["restarts"]) for each in items] == [("completed", 0)] * 2
    assert items[0]["report"]["bars"] > 100
    assert "Holding   " in err  # whose line it is
    assert "warmed up" in (tmp_path / "logs" / "paper-Holding.log").read_text()
    kept = json.loads((tmp_path / "status.json").read_text())["items"]
    assert [each["state"] for each in kept] == ["completed"] * 2


@pytest.mark.parametrize("status", [0, 2, 4, 9])
def test_one_that_dies_is_started_again_whatever_its_status(
    start: Start, tmp_path: Path, status: int
) -> None:
    """A process that ends without its report has failed: `os._exit(0)` in a node is no success."""
    (tmp_path / "die").write_text(str(status))
    code, (one,), err = ended(start("mine.py:Dying", "--replay", "--backoff", "0.05"))
    assert (code, one["state"], one["restarts"]) == (0, "completed", 1), err
    assert f"ended with status {status} and without a report; it is started again in 0.05 s" in err


def test_one_that_only_dies_has_failed(start: Start, tmp_path: Path) -> None:
    (tmp_path / "die").write_text("0")
    code, (one,), err = ended(start("mine.py:Dying", "--replay", "--max-failures", "0"))
    assert (code, one["state"], one["exit_status"], one["report"]) == (1, "failed", 0, None), err
    assert "given up" in err


def test_one_that_fails_again_and_again_is_given_up(start: Start, tmp_path: Path) -> None:
    (tmp_path / "break").touch()
    words = ("mine.py:Drifting", "--replay", "--start", "2020-02-03", "--backoff", "0.05")
    code, (one,), err = ended(start(*words, "--max-failures", "2"))
    assert (code, one["state"], one["restarts"]) == (1, "failed", 2), err
    assert "somewhere else" in one["error"]
    assert "failed 3 times one after the other: given up" in err


def test_code_that_fails_the_same_way_twice_is_not_tried_again(start: Start, tmp_path: Path) -> None:
    (tmp_path / "break").touch()
    code, (one,), err = ended(start("mine.py:Breaking", "--replay", "--backoff", "0.05"))
    assert (code, one["state"], one["restarts"]) == (1, "failed", 1)
    assert "nothing to divide by" in one["error"]
    assert "node 'weights' failed at 2020-01-06T00:00:00Z twice in the same way" in err


def test_other_code_is_tried_although_it_fails_at_the_same_bar(start: Start, tmp_path: Path) -> None:
    (tmp_path / "break").touch()
    process = start("mine.py:Breaking", "--replay", "--backoff", "1")
    heard(process, "it is started again")
    (tmp_path / "mine.py").write_text(STRATEGIES.replace("nothing to divide by", "still nothing"))
    code, (one,), _ = ended(process)
    assert (code, one["restarts"]) == (1, 2)


@pytest.mark.parametrize("name", ["mine.py:Nobody", "nowhere.py:Mine"])
def test_what_cannot_be_started_is_not_tried_again(start: Start, name: str) -> None:
    code, (one,), err = ended(start(name, "--replay"))
    assert (code, one["state"], one["restarts"]) == (2, "failed", 0)
    assert "no such strategy" in err or "there is no file" in err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_in_order(start: Start, number: int) -> None:
    process = start("mine.py:Holding")  # it waits for new bars, and would for days
    heard(process, "warmed up")
    process.send_signal(number)
    code, (one,), err = ended(process)
    assert (code, one["state"]) == (0, "stopped"), err
    assert one["report"]["ended"] == "stopped"


def test_nothing_trades_on_when_whoever_watches_is_killed(start: Start, tmp_path: Path) -> None:
    process = start("mine.py:Holding", "--status-file", "status.json")
    heard(process, "warmed up")
    (one,) = json.loads((tmp_path / "status.json").read_text())["items"]
    process.kill()
    deadline = time.monotonic() + 20
    while is_alive(one["pid"]) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not is_alive(one["pid"])


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_world_that_is_not_there_starts_nothing(qmtl: Qmtl, folder: Path) -> None:
    said = qmtl("run", "mine.py:Holding", "--world", "papr")
    assert said.code == 1
    assert "no such world 'papr'; did you mean 'paper'?" in said.err


# --- submit -----------------------------------------------------------------------------------------------------
def judging(stop: threading.Event) -> None:
    """What the worker does."""
    while not stop.wait(0.05):
        evaluate_waiting(world_id="paper")
    connections.close_all()


def test_a_submission_is_judged_and_explained(qmtl: Qmtl, folder: Path, environment: Path) -> None:
    stop = threading.Event()
    worker = threading.Thread(target=judging, args=(stop,))
    worker.start()
    try:
        words = ("submit", f"{folder / 'mine.py'}:Holding", "paper", "--param", "part=0.5", "--snapshot")
        said = qmtl(*words, "--format", "json")
    finally:
        stop.set()
        worker.join()
    statuses = {"pass": 0, "warn": 0, "fail": 1, "inconclusive": 3}
    assert said.code == statuses[said.document["status"]], said.err
    assert Path(said.document["snapshot_path"]).exists()
    again = qmtl(*words)
    assert again.code == said.code
    assert "holding in paper" in again.out


def test_a_submission_that_nobody_judges_is_pending(qmtl: Qmtl, folder: Path) -> None:
    said = qmtl("submit", f"{folder / 'mine.py'}:Holding", "paper", "-p", "part=0.25", "--no-wait")
    assert said.code == 3
    assert "qmtl world run-status paper --strategy holding" in said.out


def test_a_parameter_that_is_none_is_told(qmtl: Qmtl, folder: Path) -> None:
    place = f"{folder / 'mine.py'}:Holding"
    assert qmtl("submit", place, "paper", "-p", "part").code == 2
    assert "has no parameter 'prt'" in qmtl("submit", place, "paper", "-p", "prt=1").err


# --- rules of the supervisor ------------------------------------------------------------------------------------
def test_pauses_double_up_to_the_most() -> None:
    assert [Terms(first=1, most=10).pause(n) for n in (1, 2, 3, 4, 5, 1000)] == [1, 2, 4, 8, 10, 10]


@pytest.mark.parametrize(
    ("failed", "status"), [([], 0), ([2], 2), ([1], 1), ([-9], 1), ([1, 2], 1), ([4, 4], 4)]
)
def test_it_ends_with_what_its_runners_failed_with(failed: list[int], status: int) -> None:
    plan = Plan("a", "w")
    watched = [Watched(plan, state="failed", code=code, error="why") for code in failed]
    assert exit_status([Watched(plan, state="completed", code=0), *watched]) == status


def test_an_unreachable_service_is_waited_for() -> None:
    said: list[str] = []
    supervisor = Supervisor(
        [Plan("a", "w")], {}, terms=Terms(max_failures=1), log=lambda _, line: said.append(line)
    )
    (one,) = supervisor.watched
    one.began = time.monotonic()
    states = []
    for code in (4, 4, 4, 1, 4, 1):
        one.code, one.error = code, "as it said itself"
        supervisor.again(one, time.monotonic())
        states.append(one.state)
    assert states == ["waiting"] * 5 + ["failed"]
