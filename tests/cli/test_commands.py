"""What commands do and say, against the service."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from evaluation.services import evaluate_waiting
from qmtl.client import Client, Config, load_config, save_config
from tests.api import results, returns
from tests.cli.conftest import Qmtl, policy_file
from tests.client.conftest import Site


# --- worlds -----------------------------------------------------------------------------------------------------
def test_a_world_from_its_first_to_its_last_day(qmtl: Qmtl, client: Client, environment: Path) -> None:
    policy = policy_file(environment)
    made = qmtl("world", "create", "beta", "--name", "Beta", "--allow-live", "--label", "a", "--label", "b",
                "--data-preset", "daily:csv:1d", "--policy-file", policy, "-f", "json")  # fmt: skip
    assert made.code == 0, made.err
    assert (made.document["labels"], made.document["active_policy_version"]) == (["a", "b"], 1)
    assert made.document["data_presets"][0]["source"] == "csv"
    paused = qmtl("world", "status", "beta", "--set", "Paused", "--reason", "exchange outage", "-f", "json")
    assert (paused.document["state"], paused.document["effective_mode"]) == ("PAUSED", "validate")
    assert "exchange outage" in qmtl("world", "audit", "beta").out
    assert qmtl("world", "status", "beta", "--set", "EvalOnly").code == 0
    assert client.world("beta").state == "EVALUATION_ONLY"
    assert qmtl("world", "delete", "beta").code == 2  # nobody can be asked
    assert qmtl("world", "delete", "beta", "--yes").code == 0
    assert client.world("beta").state == "RETIRED"


def test_the_world_may_stand_in_the_environment(
    qmtl: Qmtl, alpha: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QMTL_WORLD", alpha)
    assert qmtl("world", "show", "-f", "json").document["id"] == alpha


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("world", "show", "alpa"), "no such world 'alpa'; did you mean 'alpha'?"),
        (
            ("world", "run-status", "alpha", "-s", "mon"),
            "no such strategy 'mon' in world 'alpha'; did you mean 'mom'?",
        ),
        (("strategy", "show", "wek"), "no such strategy 'wek'; did you mean 'weak'?"),
        (("strategy", "list", "--world", "alpa"), "did you mean 'alpha'?"),
        (("world", "show", "alpha", "--token", "x"), "issue_token"),
        (("world", "explain", "alpha", "-s", "mim"), "no such strategy 'mim' in world 'alpha'; did you mean"),
        (
            ("world", "run-status", "alpha", "-s", "mom", "-r", "r2"),
            "no such run 'r2' of strategy 'mom' in world",
        ),
        (("run", "mine.py", "-w", "alpha", "--start", "soon"), "--start is a time"),
        (("submit", "mine.py", "alpha", "--until", "soon"), "--until is a time"),
        (("world", "show", "alpha", "--url", "nowhere"), "is not the address of a service"),
    ],
)
def test_an_error_says_what_to_do_next(qmtl: Qmtl, alpha: str, words: tuple[str, ...], told: str) -> None:
    said = qmtl(*words)
    assert told in said.err
    assert said.out == ""


def test_a_fault_of_a_policy_has_its_line_and_the_nearest_name(
    qmtl: Qmtl, alpha: str, environment: Path
) -> None:
    (environment / "p.yaml").write_text("version: 1\nselectoin: {}\n")
    said = qmtl("world", "policy", "set", alpha, "--policy-file", "p.yaml")
    assert said.code == 1
    assert "selectoin: unknown key (line 2, column 1); did you mean 'selection'?" in said.err


def test_policies_are_drafted_shown_activated(
    qmtl: Qmtl, client: Client, alpha: str, environment: Path
) -> None:
    (environment / "p.yaml").write_text("version: 1\n# words of ours\n")
    kept = qmtl("world", "policy", "set", alpha, "-p", "p.yaml", "--draft", "-f", "json").document
    assert kept["state"] == "draft"
    version = str(kept["version"])
    assert "# words of ours" in qmtl("world", "policy", "show", alpha, "--version", version).out
    assert qmtl("world", "policy", "activate", alpha, "--version", version).code == 0
    assert client.world(alpha).active_policy_version == kept["version"]
    assert qmtl("world", "policy", "activate", alpha, "--version", "1").code == 0
    assert [each["state"] for each in qmtl("world", "policy", "list", alpha, "-f", "json").document["items"]][
        -1
    ] == "active"


# --- runs and decisions -----------------------------------------------------------------------------------------
def test_an_explanation_says_by_how_much(qmtl: Qmtl, alpha: str) -> None:
    said = qmtl("world", "explain", alpha, "--strategy", "weak")
    assert "weak in alpha failed." in said.out
    assert "returns.sharpe is -0.79" in said.out
    document = qmtl("world", "explain", alpha, "--strategy", "weak", "-f", "json").document
    assert document["ws"]["violations"][0]["rule"] == "performance"
    assert document["explanation"].startswith("weak in alpha failed.")


def test_a_snapshot_is_the_services_own(qmtl: Qmtl, client: Client, alpha: str, environment: Path) -> None:
    assert qmtl("world", "snapshot", alpha, "-s", "mom", "--output", ".qmtl_snapshots/").code == 0
    kept = json.loads((environment / ".qmtl_snapshots" / "alpha-mom-r1.json").read_text())
    assert kept == client.snapshot(alpha, "alpha-mom-r1").raw
    assert (
        qmtl("world", "snapshot", alpha, "-s", "mom", "--output", "one.json").err == "written to one.json\n"
    )
    assert json.loads(Path("one.json").read_text()) == kept


def test_an_answer_may_go_to_a_file(qmtl: Qmtl, alpha: str, environment: Path) -> None:
    said = qmtl("world", "list", "--output", "worlds.json")
    assert (said.out, said.err) == ("", "written to worlds.json\n")
    assert json.loads(Path("worlds.json").read_text())["items"]
    qmtl("world", "list", "--output", "worlds.txt", "--format", "table")
    assert Path("worlds.txt").read_text().startswith("WORLD")


def test_a_file_that_cannot_be_written_is_told(qmtl: Qmtl, alpha: str) -> None:
    said = qmtl("world", "list", "--output", "/dev/full/x.json")
    assert said.code == 2
    assert "/dev/full/x.json cannot be written: /dev/full is no folder" in said.err


@pytest.mark.parametrize("place", ["deep/worlds.json", "deep/er/", "deep/er/x.json"])
def test_no_folder_is_made_for_an_answer_nor_anything_asked(
    typed: Qmtl, environment: Path, place: str
) -> None:
    folder = place.rpartition("/")[0]
    said = typed("world", "list", "--url", "http://127.0.0.1:9", "--output", place)
    assert said.code == 2
    assert f"cannot be written: there is no folder {folder}" in said.err
    assert f"Make it (mkdir -p {folder}), or name another file" in said.err
    assert list(environment.iterdir()) == []


@pytest.mark.parametrize("option", ["--token", "--url", "--output"])
def test_an_empty_option_is_not_taken_from_elsewhere(qmtl: Qmtl, alpha: str, option: str) -> None:
    said = qmtl("world", "list", option, "")
    assert (said.code, said.out) == (2, "")
    assert f"{option} is empty" in said.err


@pytest.mark.parametrize("words", [("world", "show", "--world", ""), ("strategy", "show", "")])
def test_an_empty_name_is_not_taken_from_elsewhere(
    qmtl: Qmtl, alpha: str, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.setenv("QMTL_WORLD", alpha)
    said = qmtl(*words)
    assert said.code == 2
    assert "id is empty" in said.err


def test_health_says_whether_the_token_is_taken(
    qmtl: Qmtl, alpha: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "your token" in qmtl("health").out
    wrong = qmtl("health", "--token", "wrong")
    assert wrong.code == 1
    assert "not taken" in wrong.out
    assert "the service does not take the token that was given" in wrong.err
    assert qmtl("health", "--token", "wrong", "--format", "json").document["status"] == "ok"
    monkeypatch.delenv("QMTL_TOKEN")
    alone = qmtl("health")
    assert (alone.code, "none: run `qmtl login`" in alone.out) == (0, True)


def test_events_are_the_last_ones_or_those_after_one(qmtl: Qmtl, client: Client, alpha: str) -> None:
    every = [each.sequence for each in client.event_page(alpha, limit=500).events]
    last = [
        each["sequence"] for each in qmtl("world", "events", alpha, "-n", "3", "-f", "json").document["items"]
    ]
    assert last == every[-3:]
    first = qmtl("world", "events", alpha, "--after", "1", "-n", "2", "-f", "json").document["items"]
    assert [each["sequence"] for each in first] == [2, 3]
    of_type = qmtl("world", "events", alpha, "--type", "evaluation_run.updated", "-f", "json").document[
        "items"
    ]
    assert {each["type"] for each in of_type} == {"evaluation_run.updated"}


def test_a_world_without_events_of_a_kind_says_so(qmtl: Qmtl, alpha: str) -> None:
    assert qmtl("world", "events", alpha, "--type", "nothing").out == "(no event)\n"


def test_an_edge_is_turned_off_and_shown(qmtl: Qmtl, alpha: str) -> None:
    turned = qmtl(
        "edges", "override", alpha, "--from", "a", "--to", "b", "--active", "false", "--reason", "bad feed"
    )
    assert turned.code == 0
    (edge,) = qmtl("edges", "override", alpha, "-f", "json").document["items"]
    assert (edge["src_node"], edge["active"], edge["reason"]) == ("a", False, "bad feed")


# --- strategies by hand -----------------------------------------------------------------------------------------
@pytest.fixture
def live(qmtl: Qmtl, client: Client, alpha: str, django_db_blocker: Any) -> str:
    """A strategy that was sent live by hand, with nobody holding its gate."""
    client.register_strategy("hand")
    client.create_run(alpha, "hand", run_id="r1", results=results())
    evaluate_waiting(world_id=alpha)
    client.create_run(alpha, "hand", run_id="p1", stage="paper", results=results(returns(seed=3)))
    evaluate_waiting(world_id=alpha)
    return "hand"


def test_commands_say_how_far_they_are(qmtl: Qmtl, alpha: str, live: str) -> None:
    assert qmtl("world", "eval", alpha).code == 0  # a decision that is fresh
    said = qmtl("strategy", "activate", live, alpha, "--reason", "try it", "--no-wait", "-f", "json")
    assert said.code == 3, said.err  # the apply is under way
    assert said.document["apply"]["phase"] in {"freeze", "switch", "requested"}
    assert said.document["command"] == "activate"
    assert "may undo this" in said.err
    status = qmtl("strategy", "status", live, alpha, "-f", "json").document
    assert status["binding"]["strategy_id"] == live
    assert [each["strategy_id"] for each in qmtl("strategy", "list", alpha, "-f", "json").document["items"]]


def test_nothing_was_decided_yet(qmtl: Qmtl, client: Client) -> None:
    client.create_world("empty")
    said = qmtl("world", "apply", "empty")
    assert said.code == 1
    assert "has not decided anything yet" in said.err
    assert "qmtl world eval empty" in said.err


# --- rebalancing ------------------------------------------------------------------------------------------------
PLAN = {
    "total_equity": 100000,
    "world_alloc_before": {"alpha": 0.3},
    "world_alloc_after": {"alpha": 0.2},
    "positions": [{"world_id": "alpha", "strategy_id": "mom", "symbol": "BTC", "qty": 3, "mark": 10000}],
}


def test_a_plan_is_made_recorded_executed(qmtl: Qmtl, alpha: str, environment: Path) -> None:
    (environment / "plan.json").write_text(json.dumps(PLAN))
    planned = qmtl("rebalance", "plan", "--file", "plan.json", "-f", "json").document
    assert planned["per_world"]["alpha"]["deltas"][0]["delta_qty"] == -1
    assert qmtl("rebalance", "apply", "--file", "plan.json").code == 2  # it has no name
    applied = qmtl("rebalance", "apply", "--file", "plan.json", "--run-id", "monday")
    assert applied.code == 0, applied.err
    assert "BTC" in applied.out
    executed = qmtl("rebalance", "execute", "monday", "--dry-run", "-f", "json").document
    assert executed["dry_run"] is True


@pytest.mark.parametrize(
    "line", ["status mom alpha", "status -s mom alpha", "status alpha -s mom", "status mom -s mom -w alpha",
             "status --strategy mom --world alpha"],
)  # fmt: skip
def test_a_strategy_is_named_by_place_or_by_option(qmtl: Qmtl, alpha: str, line: str) -> None:
    said = qmtl("strategy", *line.split(), "--format", "json")
    assert (said.code, said.document["strategy_id"], said.document["world_id"]) == (0, "mom", "alpha"), (
        said.err
    )


@pytest.mark.parametrize(
    ("line", "told"),
    [("status alpha weak -s mom", "two strategies are named"), ("show", "say which strategy"),
     ("status -s mom", "say which world")],
)  # fmt: skip
def test_a_strategy_that_is_not_named_is_asked_for(qmtl: Qmtl, alpha: str, line: str, told: str) -> None:
    said = qmtl("strategy", *line.split())
    assert said.code == 2
    assert told in " ".join(said.err.replace("│", " ").split())


def test_a_run_says_what_comes_next(qmtl: Qmtl, client: Client, alpha: str) -> None:
    client.register_strategy("early")
    client.create_run(alpha, "early", run_id="r1")
    told = {name: " ".join(qmtl("world", "run-status", alpha, "-s", name).out.split()) for name in
            ("early", "weak", "mom")}  # fmt: skip
    assert "`qmtl submit MODULE:CLASS alpha` replays and posts them." in told["early"]
    assert "`qmtl world explain alpha --strategy weak` says what would change it." in told["weak"]
    assert "`qmtl run MODULE:CLASS --world alpha` trades it on paper." in told["mom"]


@pytest.mark.parametrize("kept", ["environment", "file", "nowhere"])
def test_a_token_that_is_not_taken_is_named(
    typed: Qmtl, site: Site, environment: Path, monkeypatch: pytest.MonkeyPatch, kept: str
) -> None:
    monkeypatch.setenv("QMTL_URL", site.url)
    if kept == "environment":
        monkeypatch.setenv("QMTL_TOKEN", "wrong")
    if kept == "file":
        save_config(Config(site.url, "wrong"))
    said = typed("world", "list")
    told = {"environment": "the token in QMTL_TOKEN", "file": "config.toml", "nowhere": "there is no token"}
    assert (said.code, told[kept] in said.err, "qmtl login" in said.err) == (1, True, True), said.err


# --- login ------------------------------------------------------------------------------------------------------
def test_login_keeps_a_token_that_works(typed: Qmtl, site: Site, environment: Path) -> None:
    said = typed("login", "--url", site.url, stdin=f"{site.token}\n")
    assert said.code == 0, said.err
    assert site.token not in said.out + said.err
    path = environment / "config.toml"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_config().token == site.token
    assert typed("world", "list").code == 0


@pytest.mark.parametrize(("token", "code"), [("wrong\n", 1), ("\n", 2), ("", 2), ("a b\n", 2)])
def test_login_keeps_no_token_that_does_not(
    typed: Qmtl, site: Site, environment: Path, token: str, code: int
) -> None:
    said = typed("login", "--url", site.url, stdin=token)
    assert said.code == code, said
    assert not (environment / "config.toml").exists()


def test_login_says_what_counts_more(qmtl: Qmtl, site: Site) -> None:
    said = qmtl("login", stdin=f"{site.token}\n")
    assert "QMTL_URL and QMTL_TOKEN in the environment count more" in said.err


def test_a_token_that_others_may_read_is_warned_of(typed: Qmtl, site: Site, environment: Path) -> None:
    typed("login", "--url", site.url, stdin=f"{site.token}\n")
    (environment / "config.toml").chmod(0o644)
    said = typed("world", "list", "--format", "json")
    assert (said.code, "chmod 600" in said.err) == (0, True)
    assert "items" in said.document
    again = typed("login", "--url", site.url, stdin=f"{site.token}\n")
    assert "chmod" not in again.err
    assert stat.S_IMODE((environment / "config.toml").stat().st_mode) == 0o600
