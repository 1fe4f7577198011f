"""Documents that no reader should guess at: what is wrong is said with its place."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmtl_site.http.documents import load
from qmtl_site.http.refusals import BadRequest
from tests.api import ApiClient, body
from tests.problem import nothing_written, pointer, refusal

LARGE, SMALL, TWICE = "more than can be read", "would be read as 0", "stands twice"
ODD = {
    "an exponent without end": (b'{"a": [1, 1e-999]}', "/a/1", SMALL),
    "a capital exponent": (b'{"a": -1.5E-400}', "/a", SMALL),
    "zeros without end": (b'{"a": 0.' + b"0" * 400 + b"1}", "/a", SMALL),
    "below the least float": (b'{"a": 1e-324}', "/a", SMALL),
    "a large exponent": (b'{"a": {"b": 1e999}}', "/a/b", LARGE),
    "500 digits": (b'{"a": ' + b"1" * 500 + b"}", "/a", LARGE),
    "the second of two": (b'[1, "1e999", ' + b"1" * 500 + b"]", "/2", LARGE),
    "a key twice": (b'{"a/b": [{"x": 1, "x": 2}]}', "/a~1b/0/x", TWICE),
    "beside what cannot be told": (b'{"a": 1e999, "\\ud800": 1e999}', "/a", LARGE),
    "the whole": (b"1e-999", "", SMALL),
}


@pytest.mark.parametrize(("raw", "place", "says"), ODD.values(), ids=ODD.keys())
def test_what_is_not_guessed_is_told_with_its_place(raw: bytes, place: str, says: str) -> None:
    with pytest.raises(BadRequest) as refused:
        load(raw)
    assert refused.value.faults[0].pointer == place
    assert says in refused.value.faults[0].detail


@pytest.mark.parametrize(
    "raw",
    [b"0e-999", b"-0.0", b"0." + b"0" * 400, b'"1e-999"', b'["\\"1e-999"]', b"1e-300", b"5e-324", b"1e-0005"],
)
def test_what_only_looks_like_it_is_read(raw: bytes) -> None:
    assert load(raw) == orjson.loads(raw)


@given(
    digits=st.from_regex(r"\A-?(0|[1-9][0-9]{0,3})(\.[0-9]{1,4})?\Z"),
    power=st.integers(-330, 305),
    before=st.text(max_size=3),
)
def test_a_number_is_read_unless_it_would_vanish(digits: str, power: int, before: str) -> None:
    literal = f"{digits}e{power}"
    raw = orjson.dumps({before: 1})[:-1] + b', "the number": ' + literal.encode() + b"}"
    if float(literal) == 0 and float(digits) != 0:
        with pytest.raises(BadRequest):
            load(raw)
    else:
        assert load(raw)["the number"] == float(literal)


def test_the_answer_points_there(root: ApiClient) -> None:
    with nothing_written():
        answer = root.post("/worlds", b'{"id": "x", "reference_capital": 1e-999}')
    assert (refusal(answer), pointer(answer)) == ((400, "E_MALFORMED"), "/reference_capital")


def test_a_document_without_end_of_odd_numbers_tells_a_hundred_of_them(root: ApiClient) -> None:
    answer = root.post("/worlds", b"[" + b"1e-999," * 50_000 + b"1]")
    assert (answer.status_code, len(body(answer)["errors"])) == (400, 100)


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/worlds?limit=1&limit=2", "?limit"),
        ("/worlds?state=ACTIVE&state=PAUSED", "?state"),
        ("/worlds/alpha/audit?action=a&limit=5&action=b", "?action"),
        ("/worlds/alpha/strategies/mom/runs/latest?stage=paper&stage=paper", "?stage"),
        ("/worlds/alpha/strategies/mom/runs/latest/metrics?stage=paper&stage=paper", "?stage"),
        ("/allocations?world_id=alpha&world_id=beta", "?world_id"),
    ],
)
def test_a_parameter_that_is_given_twice_is_refused(ready: ApiClient, path: str, place: str) -> None:
    answer = ready.get(path)
    assert (refusal(answer), pointer(answer)) == ((422, "E_VALIDATION"), place)
