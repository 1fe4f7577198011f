"""Submitting to the running service: verdicts, words, idempotency, and what goes wrong."""

from __future__ import annotations

import json
import resource
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from qmtl.client import Client, Config, Retries, errors
from qmtl.sdk import DataError, Node, Runner, SnapshotError, Strategy
from qmtl.sdk.data.files import read_csv
from qmtl.sdk.pnl import figures_of_returns, simulate_long_account_from_returns
from qmtl.sdk.snapshots import read_snapshot, write_snapshot
from tests.sdk.authors import Breaking, Holding, Losing, Momentum, prices
from tests.sdk.conftest import make_world
from tests.sdk.service import Service


@pytest.fixture(scope="module")
def alpha(client: Client) -> str:
    return make_world(client, "alpha", allow_live=True)


def test_one_line_gives_the_services_word(client: Client, alpha: str, data: Path) -> None:
    result = Runner.submit(Holding, alpha, client=client)
    assert result.status == "pass", result.explain()
    assert (result.violations, result.exit_status) == ([], 0)
    assert result.recommended_stage in {"paper_only", "paper_ok_live_candidate"}
    assert result.ws.activation is not None
    assert not result.safe_mode


def test_the_services_figures_are_ours(client: Client, alpha: str, data: Path) -> None:
    """The same returns give the same figures here and there."""
    result = Runner.submit(Holding, alpha, client=client)
    record = Runner.offline(Holding, read_csv(data, "1d")).record
    ours = figures_of_returns(record.returns)
    for name, value in ours["returns"].items():
        theirs = result.evaluation["returns"][name]
        assert theirs == pytest.approx(value, rel=1e-12), name
    account = simulate_long_account_from_returns(
        record.returns, starting_capital=client.world(alpha).reference_capital
    )
    for name, value in account.block.items():
        assert result.evaluation["pnl"][name] == (pytest.approx(value) if isinstance(value, float) else value)
    heads = client.snapshot(alpha, str(result.snapshot_url).rpartition("/")[2]).series_heads
    assert heads == account.heads(record.returns)


def test_the_same_again_is_the_same_run(client: Client, alpha: str, data: Path) -> None:
    first = Runner.submit(Momentum, alpha, client=client)
    again = Runner.submit(Momentum, alpha, client=client)
    assert again.evaluation_run_id == first.evaluation_run_id
    assert len(list(client.runs(alpha, "momentum"))) == 1


def test_other_parameters_are_another_run(client: Client, alpha: str, data: Path) -> None:
    Runner.submit(Momentum, alpha, client=client)
    other = Runner.submit(Momentum(period=20), alpha, client=client)
    again = Runner.submit(Momentum, alpha, client=client)  # the former was overtaken: done again
    assert len({other.evaluation_run_id, again.evaluation_run_id}) == 2
    assert again.status in {"pass", "fail"}


def test_a_failing_one_is_explained(client: Client, alpha: str, data: Path) -> None:
    result = Runner.submit(Losing, alpha, client=client)
    words = result.explain()
    assert (result.status, result.exit_status, result.recommended_stage) == ("fail", 1, "backtest_only")
    assert "sharpe is -" in words
    assert "below the 0.5 that is asked" in words
    assert "would have to earn" in words
    assert "max_drawdown" in words
    assert "Next: stay in backtest." in words
    assert "<li>" in result._repr_html_()


def test_documents_are_json(client: Client, alpha: str, data: Path) -> None:
    document = json.loads(json.dumps(Runner.submit(Losing, alpha, client=client).document()))
    assert document["ws"]["violations"][0]["rule"]
    assert document["status"] == "fail"


def test_returns_of_the_authors_own(client: Client, alpha: str) -> None:
    values = np.random.default_rng(3).normal(0.001, 0.01, 400)
    times = np.datetime64("2018-01-01") + np.arange(400)

    class Given(Strategy):
        def setup(self) -> None: ...

    result = Runner.submit(Given, alpha, client=client, returns={"values": values, "timestamps": times})
    assert result.evaluation["returns"]["source"] == "strategy_explicit"


def test_what_is_mended_and_submitted_again_is_registered_anew(
    client: Client, alpha: str, data: Path
) -> None:
    """The registry follows the author; the runs keep what they were."""

    class First(Strategy):
        """Nothing but the first symbol."""

        __module__ = "typed"  # as at a prompt: what else this file has is no code of it
        id = "mended"
        family = "mending"

        def setup(self) -> None:
            self.add(Node("weights", [self.stream()], lambda w: np.eye(w.shape[1])[0]))

    class Second(First):
        """Half of the second symbol.

        In more words.
        """

        __module__ = "typed"
        tags = ("calm",)
        family = ""

        def setup(self) -> None:
            self.add(Node("weights", [self.stream()], lambda w: np.eye(w.shape[1])[1] / 2))

    first = Runner.submit(First, alpha, client=client)
    before = client.metrics(alpha, "mended", str(first.evaluation_run_id)).raw
    client.change_strategy("mended", model_card={"description": "old", "reviewed": "yes"})
    assert client.strategy("mended").version == 1
    for _ in range(2):
        Runner.submit(Second, alpha, client=client)
        known = client.strategy("mended")
        assert (known.version, known.name, known.tags, known.family) == (2, "Second", ["calm"], "mending")
        assert known.model_card == {"description": "Half of the second symbol.", "reviewed": "yes"}
    assert client.metrics(alpha, "mended", str(first.evaluation_run_id)).raw == before


def test_without_validation_nothing_is_judged(client: Client, alpha: str, data: Path) -> None:
    class Quiet(Holding):
        id = "quiet"

    result = Runner.submit(Quiet, alpha, client=client, auto_validate=False)
    run = client.run(alpha, "quiet")
    assert (result.status, run.status, run.summary) == ("submitted", "submitted", None)


def test_alpha_figures_are_told_where_they_are_understood(client: Client, alpha: str, data: Path) -> None:
    result = Runner.submit(Holding, alpha, client=client)
    extra = result.evaluation["diagnostics"]["extra_metrics"]
    assert ("alpha_performance.sharpe" in extra) is client.health().alpha_metrics_capable


# --- snapshots ------------------------------------------------------------------------------------------------
def test_a_snapshot_is_the_services_own(client: Client, alpha: str, data: Path, tmp_path: Path) -> None:
    result = Runner.submit(Holding, alpha, client=client, snapshot=tmp_path / "kept")
    kept = read_snapshot(str(result.snapshot_path))
    assert kept == dict(client.snapshot(alpha, kept["snapshot_id"]).raw)
    preview = Runner.offline(Holding, read_csv(data, "1d")).snapshot()
    assert preview.keys() == kept.keys()


def test_a_full_disk_is_told_and_the_run_stands(tmp_path: Path) -> None:
    """A limit on the size of files fails in the same place as a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(SnapshotError, match=r"could not be written to "):
            write_snapshot({"snapshot_id": "a", "metrics": {}, "big": "x" * 10_000}, tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []


def test_a_path_that_cannot_be_is_told(client: Client, alpha: str, data: Path) -> None:
    result = Runner.submit(Holding, alpha, client=client, snapshot=data / "x.json")
    assert result.ws.activation is not None
    assert "The run itself stands" in str(result.document()["snapshot_error"])
    assert "could not be written" in result.explain()


@pytest.mark.parametrize("wanted", ["/dev/full", "/dev/full/x.json", "{file}/x.json", "{file}/deep/x.json"])
def test_what_is_no_folder_is_named_and_what_to_do(tmp_path: Path, wanted: str) -> None:
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(SnapshotError, match=r"(/dev/full|/file|/file/deep) is no folder; name a \.json file"):
        write_snapshot({"snapshot_id": "a", "metrics": {}}, wanted.format(file=file))


@pytest.mark.parametrize("wanted", ["{file}/x.json", "nul\0", 7])
def test_a_preview_is_not_lost_with_its_snapshot(tmp_path: Path, wanted: object) -> None:
    file = tmp_path / "file"
    file.write_text("")
    place = wanted.format(file=file) if isinstance(wanted, str) else wanted
    result = Runner.offline(Holding, prices(30), snapshot=place)  # type: ignore[arg-type]
    assert result.snapshot_path is None
    assert "The preview itself stands" in str(result.snapshot_error)
    assert "Snapshot: " in result.explain()
    assert len(result.returns) == 29


def test_a_preview_says_where_its_snapshot_is(tmp_path: Path) -> None:
    result = Runner.offline(Holding, prices(30), snapshot=tmp_path)
    assert read_snapshot(str(result.snapshot_path))["snapshot_id"].startswith("offline-holding")


# --- what goes wrong ------------------------------------------------------------------------------------------
def test_a_failing_node_rejects_with_its_traceback(client: Client, alpha: str, data: Path) -> None:
    result = Runner.submit(Breaking, alpha, client=client)
    assert (result.status, result.exit_status) == ("rejected", 1)
    assert "nothing to divide by" in result.explain()
    assert 'File "' in result.error
    judged = Runner.wait_for_evaluation(alpha, Breaking, client=client)
    assert judged.summary is not None
    assert (judged.run_id, judged.summary.status) == (result.evaluation_run_id, "fail")


def test_a_world_that_is_not_there(client: Client, alpha: str) -> None:
    with pytest.raises(errors.NotFound, match="no such world 'alpa'; did you mean 'alpha'"):
        Runner.submit(Holding, "alpa", client=client)


def test_a_preset_that_is_not_declared(client: Client, alpha: str) -> None:
    with pytest.raises(DataError, match="no such data preset 'dayly'; did you mean 'daily'"):
        Runner.submit(Holding, alpha, client=client, data_preset="dayly")


def test_data_that_is_not_there_fails_before_anything_is_registered(
    client: Client, alpha: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QMTL_DATA_DIR", str(tmp_path))

    class Nowhere(Holding):
        id = "nowhere"

    with pytest.raises(DataError, match=r"daily\.csv, which is not there"):
        Runner.submit(Nowhere, alpha, client=client)
    with pytest.raises(errors.NotFound):
        client.strategy("nowhere")


def test_a_wrong_token(service: Service, alpha: str) -> None:
    with service.client("wrong") as stranger, pytest.raises(errors.Unauthenticated) as caught:
        Runner.submit(Holding, alpha, client=stranger)
    assert any("qmtl login" in note for note in caught.value.__notes__)


def test_without_a_service_nothing_pretends(data: Path) -> None:
    with Client(config=Config("http://127.0.0.1:9", "x"), retries=Retries(tries=2, first=0.01)) as nobody:
        result = Runner.submit(Holding, "alpha", client=nobody)
    assert (result.status, result.safe_mode, result.exit_status) == ("unavailable", True, 4)
    assert result.ws.active is False
    assert "make run" in str(result.downgrade_reason)


def test_a_restart_in_the_middle_is_survived(
    service: Service, client: Client, alpha: str, data: Path
) -> None:
    """The web process goes away while history is replayed, and comes back."""

    class Slow(Strategy):
        """Takes its time in the middle."""

        def setup(self) -> None:
            self.count = 0
            self.add(Node("weights", [self.stream()], self.decide))

        def decide(self, w: np.ndarray) -> np.ndarray:
            self.count += 1
            if self.count == 400:
                restarting.start()
                time.sleep(0.3)
            return np.ones(w.shape[1]) / w.shape[1]

    def restart() -> None:
        service.stop("web")
        service.start("web")

    restarting = threading.Thread(target=restart)
    patient = Client(
        config=Config(service.url, service.token),
        retries=Retries(tries=40, first=0.2, most=1.0, patience=60.0),
    )
    with patient:
        result = Runner.submit(Slow, alpha, client=patient)
    restarting.join()
    assert result.status == "pass", result.explain()
