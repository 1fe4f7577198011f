"""The metrics page: what any process counted of applies, gates and modes, summed in the database."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from django.db import DataError, transaction

from qmtl_site.metrics import tallies
from qmtl_site.metrics.models import Tally
from strategies.selectors.tallies import ACK_SECONDS, DOWNGRADES, PHASE_MS, STALE_ACKS
from tests.api import ApiClient


@pytest.fixture
def page(anonymous: ApiClient) -> Iterator[ApiClient]:
    tallies.pending.take()
    yield anonymous
    tallies.pending.take()


def lines(page: ApiClient, name: str) -> dict[str, float]:
    text = page.get("/metrics").content.decode()
    found = re.findall(rf"^({name}[^ ]*) (\S+)$", text, re.M)
    return {key: float(value) for key, value in found if not key.startswith(f"{name}_created")}


def test_a_counter_sums_what_processes_counted(page: ApiClient) -> None:
    STALE_ACKS.count("alpha")
    tallies.bring()  # another process, as far as the database can tell
    STALE_ACKS.count("alpha", by=2)
    STALE_ACKS.count("beta")
    assert lines(page, "qmtl_stale_acks_refused") == {
        'qmtl_stale_acks_refused_total{world_id="alpha"}': 3,
        'qmtl_stale_acks_refused_total{world_id="beta"}': 1,
    }


def test_a_histogram_counts_up_to_each_bound(page: ApiClient) -> None:
    for milliseconds in (3.0, 40.0, 70_000.0):
        PHASE_MS.observe(milliseconds, "freeze")
    found = lines(page, "apply_phase_duration_ms")
    picked = [
        found[f'apply_phase_duration_ms_bucket{{le="{le}",phase="freeze"}}'] for le in ("5.0", "50.0", "+Inf")
    ]
    assert picked == [1, 2, 3]
    assert found['apply_phase_duration_ms_sum{phase="freeze"}'] == 70_043
    assert found['apply_phase_duration_ms_count{phase="freeze"}'] == 3


def test_what_could_not_be_brought_is_kept(page: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    ACK_SECONDS.observe(0.2, "freeze")
    with monkeypatch.context() as broken:
        broken.setattr(tallies, "ADD", "SELECT 1 / 0 FROM unnest(%s::text[], %s::text[], %s::float8[])")
        with pytest.raises(DataError), transaction.atomic():
            tallies.bring()
    assert not Tally.objects.exists()
    assert lines(page, "apply_ack_latency_seconds")['apply_ack_latency_seconds_count{phase="freeze"}'] == 1


def test_a_mode_that_is_lowered_for_an_answer_is_counted(page: ApiClient, root: ApiClient) -> None:
    root.make_world()
    root.make_strategy()
    root.post("/worlds/alpha/bindings", {"strategies": ["mom"]})
    root.post("/worlds/alpha/circuit-breaker", {"engaged": True, "reason": "a test"})
    for path in ("activation", "activation?strategy_id=mom", "decide"):
        assert root.get(f"/worlds/alpha/{path}").status_code == 200
    assert lines(page, DOWNGRADES.name) == {
        'strategy_compute_context_downgrade_total{reason="circuit_breaker"}': 3
    }
