"""What is asked again, and what never is: against a server that misbehaves."""

from __future__ import annotations

import time

import pytest

from qmtl.client import BadInput, Client, Config, UnexpectedAnswer, Unreachable, errors
from tests.client.conftest import HANG_UP, QUICK, Odd

HEALTHY = (200, {"status": "ok"})
WORLD = (200, {"id": "a", "name": "A", "state": "ACTIVE"})
DOWN = (503, {"code": "E_UNAVAILABLE", "detail": "The database does not answer"})


def test_a_read_is_repeated_until_the_service_is_back(odd: Odd) -> None:
    odd.plan = [DOWN, HANG_UP, DOWN, HEALTHY]
    assert odd.client().health().status == "ok"
    assert len(odd.seen) == 4


def test_in_the_end_the_refusal_is_told(odd: Odd) -> None:
    odd.plan = [DOWN]
    with pytest.raises(errors.Unavailable, match="database"):
        odd.client().health()
    assert len(odd.seen) == QUICK.tries


def test_what_must_not_happen_twice_is_asked_once(odd: Odd) -> None:
    odd.plan = [DOWN]
    with pytest.raises(Unreachable):
        odd.client().set_world_state("a", "PAUSED", reason="tea")
    assert len(odd.seen) == 1


def test_too_many_requests_are_repeated_whatever_they_are(odd: Odd) -> None:
    odd.plan = [(429, {"code": "E_RATE_LIMITED"}, {"Retry-After": "0"}), WORLD]
    assert odd.client().set_world_state("a", "PAUSED", reason="tea").id == "a"


def test_retry_after_is_kept(odd: Odd) -> None:
    odd.plan = [(503, {"code": "E_UNAVAILABLE"}, {"Retry-After": "1"}), HEALTHY]
    began = time.monotonic()
    odd.client().health()
    assert time.monotonic() - began >= 1.0


def test_who_is_told_to_wait_longer_than_his_patience_is_told_so(odd: Odd) -> None:
    odd.plan = [(503, {"code": "E_UNAVAILABLE"}, {"Retry-After": "3600"})]
    with pytest.raises(errors.Unavailable) as caught:
        odd.client().health()
    assert (caught.value.retry_after, len(odd.seen)) == (3600.0, 1)


def test_a_creation_carries_the_same_key_each_time(odd: Odd) -> None:
    odd.plan = [HANG_UP, DOWN, (201, WORLD[1])]
    odd.client().create_world("a")
    keys = {headers["Idempotency-Key"] for _, _, headers, _ in odd.seen}
    assert (len(odd.seen), len(keys)) == (3, 1)


def test_two_creations_carry_two_keys(odd: Odd) -> None:
    odd.plan = [(201, WORLD[1])]
    client = odd.client()
    client.create_world("a")
    client.create_world("a")
    assert len({headers["Idempotency-Key"] for _, _, headers, _ in odd.seen}) == 2


def test_nobody_listens() -> None:
    with pytest.raises(Unreachable, match="cannot be reached") as caught:
        Client(config=Config("http://127.0.0.1:9"), retries=QUICK).health()
    assert (caught.value.exit_status, "make run" in caught.value.next_step) == (4, True)


def test_an_answer_that_does_not_come(odd: Odd) -> None:
    client = odd.client(timeout=0.1)
    odd.plan = [(200, {}, {"Content-Length": "100"})]
    with pytest.raises(Unreachable, match="in time"):
        client.health()


@pytest.mark.parametrize("body", [b"<html>hello</html>", b"[]", b'{"status": 7}', b"{}"])
def test_another_program_answers(odd: Odd, body: bytes) -> None:
    odd.plan = [(200, body)]
    with pytest.raises(UnexpectedAnswer):
        odd.client().health()


def test_a_proxys_page_is_no_problem_document(odd: Odd) -> None:
    odd.plan = [(404, b"<html>nginx</html>")]
    with pytest.raises(errors.NotFound, match="without a problem document"):
        odd.client().world("a")


def test_a_code_of_a_newer_service_is_the_error_of_its_status(odd: Odd) -> None:
    odd.plan = [(409, {"code": "E_NEW", "detail": "something new"})]
    with pytest.raises(errors.Conflict, match="E_NEW: something new"):
        odd.client().world("a")


def test_keys_that_are_not_known_are_kept_but_not_minded(odd: Odd) -> None:
    odd.plan = [(200, {**WORLD[1], "colour": "blue"})]
    assert odd.client().world("a").raw["colour"] == "blue"


def test_ids_are_quoted(odd: Odd) -> None:
    odd.plan = [WORLD]
    odd.client().world("a/../b?c")
    assert odd.seen[0][1] == "/worlds/a%2F..%2Fb%3Fc"


@pytest.mark.parametrize("name", ["", "..", "."])
def test_ids_that_name_another_path_are_not_sent(odd: Odd, name: str) -> None:
    with pytest.raises(BadInput):
        odd.client().world(name)


def test_numbers_that_json_does_not_know_are_not_sent(odd: Odd) -> None:
    with pytest.raises(BadInput, match="/returns/values/1"):
        odd.client().post_results("a", "s", "r", {"returns": {"values": [0.0, float("nan")]}})
    assert odd.seen == []


# --- schema versions ------------------------------------------------------------------------------------------
def schemas_asked(odd: Odd) -> list[bytes]:
    return [body[-2:-1] for _, _, _, body in odd.seen]


@pytest.mark.parametrize("status", [400, 422])
def test_where_version_two_is_refused_version_one_is_asked(odd: Odd, status: int) -> None:
    odd.plan = [(status, {"code": "E_VALIDATION"}), (200, {"schema_version": 1})]
    assert odd.client().rebalance_plan({"total_equity": 1}).schema_version == 1
    assert schemas_asked(odd) == [b"2", b"1"]


def test_where_version_two_is_known_nothing_else_is_asked(odd: Odd) -> None:
    odd.plan = [(200, {"schema_version": 2, "alpha_metrics": {}})]
    assert odd.client().rebalance_plan({}).alpha_metrics == {}
    assert schemas_asked(odd) == [b"2"]


def test_bad_input_is_told_as_the_older_version_says_it(odd: Odd) -> None:
    odd.plan = [(422, {"code": "E_VALIDATION", "detail": "no total_equity"})]
    with pytest.raises(errors.Invalid, match="no total_equity"):
        odd.client().rebalance_plan({})
