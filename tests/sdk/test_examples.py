"""The examples of the documentation, as their readers run them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from qmtl.client import Client
from qmtl.sdk import Runner, load_strategy
from qmtl.sdk.data import load
from qmtl.sdk.data.provider import choose
from qmtl.sdk.intervals import parse_time
from qmtl_site.launcher.places import PROJECT
from tests.sdk.service import Service

EXAMPLES = PROJECT / "docs" / "examples"
PRESET = {"id": "sp500-daily", "source": "package-dataset", "interval": "1d"}


@pytest.fixture(scope="module")
def world(client: Client) -> str:
    client.create_world("alpha", data_presets=[PRESET], allow_live=True)
    client.publish_policy("alpha", (EXAMPLES / "policy-guide.yaml").read_text())
    return "alpha"


def run(path: Path, folder: Path, service: Service | None = None) -> str:
    environ = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(PROJECT),
        "QMTL_CONFIG": str(folder / "none.toml"),
        **({"QMTL_URL": service.url, "QMTL_TOKEN": service.token} if service else {}),
    }
    done = subprocess.run(
        [sys.executable, str(path)], cwd=folder, env=environ, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_preview_needs_no_service(tmp_path: Path) -> None:
    said = run(EXAMPLES / "offline.py", tmp_path)
    assert "nobody judged it" in said
    assert list((tmp_path / ".qmtl_snapshots").glob("offline-crossing-*.json"))


@pytest.mark.parametrize(
    ("name", "word"), [("momentum", "passed"), ("volatility_target", "passed"), ("chasing", "failed")]
)
def test_an_example_is_judged(world: str, service: Service, tmp_path: Path, name: str, word: str) -> None:
    assert run(EXAMPLES / f"{name}.py", tmp_path, service).startswith(f"{name} in alpha {word}")


def test_the_example_that_trades(world: str, client: Client, tmp_path: Path) -> None:
    momentum = load_strategy(str(EXAMPLES / "momentum.py:Momentum"))
    Runner.submit(momentum, world, client=client)
    paper = (EXAMPLES / "paper.py").read_text()
    assert 'Runner.run(Momentum, "alpha", replay=True, speed=20, start="2021-01-01", stop=stop)' in paper
    report = Runner.run(
        momentum, world, client=client, replay=True, start="2022-10-01", state_folder=tmp_path
    )
    assert report.ended == "completed"
    assert report.fills["paper"] > 0


def test_the_guides_own_strategy(world: str, client: Client, tmp_path: Path) -> None:
    """Its first version fails, its second passes, as the guide says."""
    guide = (PROJECT / "docs" / "guide.md").read_text()
    code = re.findall(r"```python\n(.*?)```", guide, re.S)
    (first,) = (block for block in code if block.startswith("# mine.py"))
    (mended,) = (block for block in code if block.startswith("class Mine"))
    head, _, rest = first.partition("class Mine")
    second = head + mended + "\n\n" + rest[rest.index("if __name__") :]
    verdicts = []
    for number, text in enumerate((first, second)):
        path = tmp_path / f"mine{number}.py"
        path.write_text(text)
        result = Runner.submit(load_strategy(f"{path}:Mine"), world, client=client, until="2020-12-31")
        verdicts.append(result.status)
    assert verdicts == ["fail", "pass"]


def test_policies_of_the_guide_are_in_it() -> None:
    assert "policy-guide.yaml" in (PROJECT / "docs" / "guide.md").read_text()


def test_data_of_a_package_is_what_it_was(client: Client, world: str) -> None:
    frame = load(choose(client.world(world).data_presets, None, world))
    assert (len(frame), len(frame.symbols)) == (8313, 20)
    assert frame.part(stop=parse_time("1990-01-03")).close[0, 0] == 0.264
