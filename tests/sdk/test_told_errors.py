"""An author's code fails: its author sees that first, and the service judges the run as failed, not as lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qmtl.client import Client, Config, Retries, Unreachable
from qmtl.client.documents import Run
from qmtl.sdk import AuthorError, DataError, Node, Runner, Strategy
from qmtl.sdk.errors import NodeError
from qmtl.sdk.failing import MOST_MESSAGE, MOST_TRACEBACK, error_document
from qmtl.sdk.result import SubmitResult
from qmtl.sdk.submission import result_of
from tests.sdk.authors import prices
from tests.sdk.conftest import make_world

AT = "2010-01-04T00:00:00Z"


@pytest.fixture(scope="module")
def beta(client: Client) -> str:
    return make_world(client, "beta", allow_live=True)


def deciding(name: str, decide: Any, **fields: Any) -> type[Strategy]:
    """A strategy as if typed at a prompt: what else this file has is no code of it."""

    def setup(self: Strategy) -> None:
        self.add(Node("weights", [self.stream()], decide))

    return type(name, (Strategy,), {"__module__": "typed", "setup": setup, **fields})


def even(w: np.ndarray) -> np.ndarray:
    return np.ones(w.shape[1]) / w.shape[1]


def divides(w: np.ndarray) -> np.ndarray:
    return w[-1] / int(w.shape[0] - 1)[0]  # type: ignore[index]


def submit(kind: Any, beta: str, client: Client, **options: Any) -> SubmitResult:
    return Runner.submit(kind, beta, data=prices(800, 5), client=client, **options)


def judged(client: Client, beta: str, result: SubmitResult) -> Run:
    assert result.evaluation_run_id is not None
    return Runner.wait_for_evaluation(
        beta, result.strategy_id, result.evaluation_run_id, client=client, timeout=30
    )


def state(client: Client, beta: str, name: str) -> str:
    (found,) = [each.state for each in client.bindings(beta) if each.strategy_id == name]
    return found


# --- the verdict --------------------------------------------------------------------------------------------
def test_a_failing_node_is_judged_with_its_place_and_its_lines(client: Client, beta: str) -> None:
    result = submit(deciding("Divides", divides), beta, client)
    assert result.status == "rejected"
    run = judged(client, beta, result)
    assert (run.status, run.activation_state) == ("rejected", "rejected")
    assert run.summary is not None
    assert run.summary.violations[0].reason.startswith(f"node 'weights' failed at {AT}: TypeError: ")
    error = client.metrics(beta, "divides", run.run_id).validation["error"]
    assert (error["kind"], error["node"], error["at"]) == ("node", "weights", AT)
    assert "in divides" in error["traceback"]
    assert "qmtl/sdk" not in error["traceback"]
    assert state(client, beta, "divides") == "rejected"


def test_what_the_service_tells_later_is_what_the_author_saw(client: Client, beta: str) -> None:
    result = submit(deciding("Divides", divides), beta, client)
    later = result_of(client, judged(client, beta, result), precheck={})
    assert (later.status, later.exit_status, later.violations[0].rule) == ("rejected", 1, "evaluation")
    assert later.error.splitlines()[0] == result.error.splitlines()[0]
    assert "in divides" in later.explain()
    assert "Not satisfied" not in later.explain()
    assert "mend it and submit again" in later.explain()


def test_setup_that_fails_is_judged_too(client: Client, beta: str) -> None:
    def setup(self: Strategy) -> None:
        raise LookupError("no such thing")

    kind = type("Unready", (Strategy,), {"__module__": "typed", "setup": setup})
    run = judged(client, beta, submit(kind, beta, client))
    error = client.metrics(beta, "unready", run.run_id).validation["error"]
    assert (error["kind"], error["message"]) == ("strategy", "setup of Unready: LookupError: no such thing")


def test_what_cannot_even_be_made_is_no_submission(client: Client, beta: str) -> None:
    def fail(self: Strategy) -> None:
        raise LookupError

    result = submit(deciding("Unmade", even, __init__=fail), beta, client)
    assert (result.status, result.evaluation_run_id) == ("rejected", None)


def test_bars_that_fail_in_the_middle_end_the_run(
    client: Client, beta: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The frame is checked before; what a source of bars finds later is the data's fault."""

    def gap(*_: Any, **__: Any) -> Any:
        raise DataError("the bar of 2010-02-01 is missing")

    monkeypatch.setattr("qmtl.sdk.submission.backtest", gap)
    with pytest.raises(DataError, match="is missing"):
        submit(deciding("Gappy", even), beta, client)
    run = Runner.wait_for_evaluation(beta, "gappy", client=client, timeout=30)
    assert client.metrics(beta, "gappy", run.run_id).validation["error"] == {
        "kind": "data", "message": "the bar of 2010-02-01 is missing", "traceback": "",
    }  # fmt: skip


def test_without_validation_nothing_is_told(client: Client, beta: str) -> None:
    kind = deciding("Silent", divides)
    result = submit(kind, beta, client, auto_validate=False)
    assert (result.status, client.run(beta, "silent").status) == ("submitted", "submitted")


# --- again ----------------------------------------------------------------------------------------------------
def runs(client: Client, beta: str, name: str) -> list[tuple[str, str]]:
    return [(run.status, run.summary.status if run.summary else "") for run in client.runs(beta, name)]


def test_the_same_failure_again_is_the_same_run(client: Client, beta: str) -> None:
    kind = deciding("Again", divides)
    results = [submit(kind, beta, client) for _ in range(2)]
    judged(client, beta, results[0])
    results.append(submit(kind, beta, client))
    assert len({each.evaluation_run_id for each in results}) == 1
    assert {each.status for each in results} == {"rejected"}
    assert runs(client, beta, "again") == [("rejected", "fail")]


def test_mended_code_is_judged_and_passes(client: Client, beta: str) -> None:
    failed = submit(deciding("Mended", divides), beta, client)
    judged(client, beta, failed)
    assert state(client, beta, "mended") == "rejected"
    passed = submit(deciding("Mended", even), beta, client)
    assert passed.status == "pass", passed.explain()
    assert passed.evaluation_run_id != failed.evaluation_run_id
    assert state(client, beta, "mended") == "dry_run"
    assert runs(client, beta, "mended") == [("evaluated", "pass"), ("expired", "fail")]


def test_code_mended_at_once_passes(client: Client, beta: str) -> None:
    """Before the service has judged the failure."""
    submit(deciding("Hasty", divides), beta, client)
    assert submit(deciding("Hasty", even), beta, client).status == "pass"
    assert state(client, beta, "hasty") == "dry_run"


def test_what_was_not_in_the_code_is_tried_again(client: Client, beta: str, tmp_path: Path) -> None:
    """A file that was not there: the same code fails, fails otherwise, and passes."""
    needed = str(tmp_path / "needed.txt")

    def reads(w: np.ndarray) -> np.ndarray:
        with open(needed) as file:
            return np.full(w.shape[1], float(file.read()) / w.shape[1])

    kind = deciding("Reading", reads)
    missing = submit(kind, beta, client)
    judged(client, beta, missing)
    Path(needed).write_text("much")
    wrong = submit(kind, beta, client)
    judged(client, beta, wrong)
    Path(needed).write_text("1")
    right = submit(kind, beta, client)
    assert "No such file" in missing.error
    assert "could not convert" in wrong.error
    assert right.status == "pass", right.explain()
    assert len({each.evaluation_run_id for each in (missing, wrong, right)}) == 3
    assert submit(kind, beta, client).evaluation_run_id == right.evaluation_run_id


# --- the service is not there ---------------------------------------------------------------------------------
class Leaving(Client):
    """A client whose service goes away before results are posted."""

    def post_results(self, *_: Any, **__: Any) -> Any:
        raise Unreachable("the service went away")


def test_the_author_sees_the_own_error_first(client: Client, beta: str) -> None:
    with Leaving(config=client.config, retries=Retries(tries=1)) as leaving:
        result = submit(deciding("Alone", divides), beta, leaving)
    assert (result.status, result.safe_mode) == ("rejected", False)
    assert "in divides" in result.error
    assert "The service does not know of it: the service went away" in str(result.downgrade_reason)
    assert client.run(beta, "alone").summary is None
    assert submit(deciding("Alone", divides), beta, client).evaluation_run_id == result.evaluation_run_id
    assert judged(client, beta, result).is_evaluated


# --- what is sent ---------------------------------------------------------------------------------------------
def failure(raises: Any) -> dict[str, str]:
    def decide(w: np.ndarray) -> Any:
        password = "local-s3cret"  # noqa: F841
        raises()

    with pytest.raises(NodeError) as caught:
        Runner.offline(deciding("Mine", decide), prices(30))
    return error_document(caught.value, secrets=["given-t0ken"])


def test_neither_variables_nor_secrets_are_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXCHANGE_API_KEY", "k3y-of-env")
    monkeypatch.setenv("CALM", "calm-value")

    def raises() -> None:
        raise ValueError("https://x/?key=k3y-of-env&token=given-t0ken&calm-value")

    told = failure(raises)
    assert told["message"] == "ValueError: https://x/?key=***&token=***&calm-value"
    whole = str(told)
    assert "in decide" in whole
    assert not any(each in whole for each in ("local-s3cret\n", "k3y-of-env", "given-t0ken", "locals"))


def test_the_same_error_is_told_the_same() -> None:
    def raises() -> None:
        raise ValueError(f"of no use: {object()!r}")

    assert failure(raises)["message"] == failure(raises)["message"] == (
        "ValueError: of no use: <object object at 0x...>"
    )  # fmt: skip


def test_the_home_of_the_author_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(Path(__file__).parents[2]))
    assert f'File "~/tests/sdk/{Path(__file__).name}"' in failure(lambda: 1 / 0)["traceback"]


def test_the_authors_lines_stand_above_a_deep_library() -> None:
    def deep(left: int) -> None:
        if left == 0:
            raise ValueError("too deep")
        return other(left - 1)

    def other(left: int) -> None:
        return deep(left)

    trace = failure(lambda: deep(60))["traceback"]
    assert "in decide" in trace
    assert "too deep" in trace


@pytest.mark.parametrize("text", ["x" * 1_000_000, "half \ud800", "a\0b\x1b[2J", "\n", ""])
def test_whatever_was_raised_can_be_sent(client: Client, beta: str, text: str) -> None:
    def raises(w: np.ndarray) -> None:
        raise ValueError(text)

    name = f"Says{len(text)}"
    run = judged(client, beta, submit(deciding(name, raises), beta, client))
    error = client.metrics(beta, run.strategy_id, run.run_id).validation["error"]
    assert error["message"].startswith("ValueError")
    assert len(error["message"]) <= MOST_MESSAGE
    assert len(error["traceback"]) <= MOST_TRACEBACK


def test_a_long_traceback_keeps_its_end() -> None:
    error = AuthorError("setup of Mine", "it failed", trace="x" * 30_000 + "the end")
    told = error_document(error)
    assert len(told["traceback"]) == MOST_TRACEBACK
    assert told["traceback"].endswith("the end")
    assert told["kind"] == "strategy"


def test_a_service_that_is_not_there_at_all_is_told_as_before() -> None:
    with Client(config=Config("http://127.0.0.1:9", "x"), retries=Retries(tries=1)) as nobody:
        assert submit(deciding("Nobody", divides), "beta", nobody).status == "unavailable"
