"""Each invariant also stands in the database, named as a sentence, and bites.

Each case copies a row of the table with some columns changed; the constraint that refuses must be the one named.
"""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from psycopg import sql

from evaluation.models import Decision, EvaluationRun, Promotion, RunRevision
from qmtl_site.audit.actor import Actor
from qmtl_site.metrics.models import Tally
from qmtl_site.outbox.models import DeadLetter, DeliveryCount, DeliveryCursor, Subscription
from strategies.models import EdgeOverride, QueuedCommand
from strategies.services import hold_lease
from tests.activation.acting import hear_of_an_apply
from tests.api import ApiClient, results
from tests.kept import Keep
from tests.problem import OURS
from tests.rebalancing.traces import leave_traces
from tests.strategies.executing import fill
from worlds.models import World

RUN, WORLD, BINDING = "evaluation_evaluationrun", "worlds_world", "strategies_binding"
BROKER = "worlds_brokersettings"
ORDER, OTHER_ORDER = "rebalancing_order", {"order_id": "x", "place": 99}
GATE, APPLY = "strategies_activation", "strategies_apply"
SERIES, CHUNK = "strategies_performanceseries", "strategies_performancechunk"
CASES: list[tuple[str, dict[str, Any], str]] = [
    ("ledger_ledger", {"stream": "x", "audit_sequence": -1}, "ledger_only_counts_up_from_zero"),
    ("ledger_ledger", {"stream": "x", "event_sequence": -1}, "ledger_only_counts_up_from_zero"),
    ("audit_auditentry", {}, "one_audit_entry_per_stream_and_sequence"),
    (
        "outbox_outboxevent",
        {"event_id": "00000000-0000-4000-8000-000000000000"},
        "one_event_per_stream_and_sequence",
    ),
    ("outbox_outboxevent", {"stream": "x"}, "one_event_per_id"),
    ("outbox_deliverycursor", {}, "one_cursor_per_consumer_and_stream"),
    ("outbox_subscription", {"kind": "pigeon"}, "a_subscription_is_of_a_known_kind"),
    ("outbox_subscription", {"state": "asleep"}, "a_subscription_is_in_a_known_state"),
    ("outbox_deadletter", {}, "an_event_dies_once_per_subscription"),
    ("outbox_deadletter", {"sequence": 2, "state": "lost"}, "a_dead_letter_is_in_a_known_state"),
    ("outbox_deliverycount", {}, "one_count_per_consumer_and_result"),
    ("blobs_blob", {"data": None, "sha256": "not a hash"}, "a_blob_is_named_by_its_hash"),
    ("blobs_blob", {"data": None, "sha256": "A" * 64}, "a_blob_is_named_by_its_hash"),
    ("blobs_blob", {"data": None, "sha256": "a" * 64, "size": -1}, "a_blob_has_a_size"),
    ("blobs_blob", {"sha256": "a" * 64}, "an_inline_blob_has_its_own_name_and_size"),
    ("http_idempotencykey", {}, "one_answer_per_user_and_idempotency_key"),
    ("accounts_worldrole", {}, "a_role_is_held_once_per_user_and_world"),
    ("accounts_worldrole", {"role": "king"}, "a_world_role_is_a_known_role"),
    (WORLD, {"id": "ALPHA"}, "world_ids_differ_by_more_than_case"),
    (WORLD, {"id": "a/b"}, "a_world_id_fits_in_a_url"),
    (WORLD, {"id": "beta", "state": "GONE"}, "a_world_is_in_a_known_state"),
    (WORLD, {"id": "beta", "periods_per_year": 0}, "a_year_has_periods"),
    (WORLD, {"id": "beta", "reference_capital": 0}, "reference_capital_is_positive"),
    (WORLD, {"id": "beta", "benchmark_times_id": "a" * 64}, "a_benchmark_has_returns_and_times"),
    ("worlds_policyversion", {"state": "draft"}, "policy_versions_count_up_per_world"),
    ("worlds_policyversion", {"version": 2}, "one_active_policy_per_world"),
    ("worlds_policyversion", {"version": 2, "state": "secret"}, "a_policy_is_in_a_known_state"),
    ("strategies_strategy", {"id": "MOM"}, "strategy_ids_differ_by_more_than_case"),
    ("strategies_strategy", {"id": "../mom"}, "a_strategy_id_fits_in_a_url"),
    ("strategies_strategy", {"id": "rev", "side": "up"}, "a_strategy_has_a_known_side"),
    (BINDING, {}, "a_strategy_is_bound_once_per_world"),
    (BINDING, {"state": "asleep"}, "a_binding_is_in_a_known_state"),
    (SERIES, {}, "a_stay_has_one_performance_series_per_mode"),
    (SERIES, {"mode": "shadow"}, "performance_is_of_paper_or_of_live"),
    (SERIES, {"mode": "live", "count": 0}, "a_performance_series_begins_with_a_record"),
    (SERIES, {"mode": "live", "first_at": "2200-01-01Z"}, "a_performance_series_begins_with_a_record"),
    (CHUNK, {}, "a_performance_series_has_one_chunk_per_year"),
    (CHUNK, {"year": 1999, "count": 2}, "the_arrays_of_a_performance_chunk_agree_in_length"),
    (CHUNK, {"year": 1999, "trades": "\\x00"}, "the_arrays_of_a_performance_chunk_agree_in_length"),
    (CHUNK, {"year": 1999, "first_at": "2200-01-01Z"}, "a_performance_chunk_begins_with_a_record"),
    (RUN, {}, "a_run_id_is_used_once_per_world_and_strategy"),
    (RUN, {"run_id": "LATEST"}, "a_run_id_fits_in_a_url_and_is_not_latest"),
    (RUN, {"run_id": "a b"}, "a_run_id_fits_in_a_url_and_is_not_latest"),
    (RUN, {"run_id": "r2", "stage": "dream"}, "a_run_has_a_known_stage"),
    (RUN, {"run_id": "r2", "status": "lost"}, "a_run_is_in_a_known_status"),
    (RUN, {"run_id": "r2", "evaluated_at": None}, "a_judged_run_says_when"),
    (RUN, {"run_id": "r2", "strategy_id": "unbound"}, "a_run_belongs_to_a_binding"),
    (WORLD, {"id": "beta", "state": "PAUSED"}, "a_world_that_stands_still_is_not_due"),
    ("evaluation_decision", {"decision_id": "another"}, "a_turn_makes_one_decision"),
    ("site_metrics_tally", {}, "a_tally_is_kept_once_per_labels"),
    ("strategies_driverlease", {"name": "another", "fence": 0}, "fences_count_from_one"),
    (GATE, {"binding_id": 9999, "weight": 1.5}, "a_weight_is_a_fraction"),
    (GATE, {"binding_id": 9999, "weight": -0.5}, "a_weight_is_a_fraction"),
    (GATE, {"binding_id": 9999, "side": "up"}, "a_gate_has_a_known_side"),
    ("strategies_activationrecord", {}, "a_gate_is_told_once_per_sequence"),
    (APPLY, {"phase": "completed", "settled_at": "2026-01-01Z"}, "a_run_id_applies_once"),
    (APPLY, {"run_id": "another"}, "one_open_apply_per_world"),
    (
        APPLY,
        {"run_id": "another", "phase": "thaw", "settled_at": "2026-01-01Z"},
        "an_apply_is_in_a_known_phase",
    ),
    (APPLY, {"run_id": "another", "phase": "completed"}, "an_apply_is_settled_when_it_has_ended"),
    (APPLY, {"run_id": "another", "settled_at": "2026-01-01Z"}, "an_apply_is_settled_when_it_has_ended"),
    ("strategies_applyack", {}, "a_phase_is_acknowledged_once"),
    ("strategies_applyack", {"phase": "switch"}, "a_known_phase_is_acknowledged"),
    ("strategies_gateclient", {}, "a_gate_client_holds_one_lease"),
    ("strategies_gatehold", {}, "a_client_holds_a_gate_once"),
    ("strategies_fill", {}, "a_fill_is_reported_once"),
    ("strategies_fill", {"fill_id": "f2", "side": "up"}, "a_fill_has_a_known_side"),
    ("strategies_fill", {"fill_id": "f2", "mode": "dream"}, "a_fill_is_of_paper_or_of_live"),
    ("strategies_fill", {"fill_id": "f2", "qty": 0}, "a_fill_has_a_positive_quantity_and_price"),
    ("strategies_fill", {"fill_id": "f2", "price": -1}, "a_fill_has_a_positive_quantity_and_price"),
    ("strategies_node", {}, "a_node_is_named_once_per_binding"),
    ("strategies_node", {"name": "b", "state": "asleep"}, "a_node_is_in_a_known_state"),
    ("strategies_node", {"name": "b", "received": 62}, "a_node_receives_at_most_its_period"),
    (BROKER, {"world_id": "beta", "kind": "pigeon"}, "a_broker_is_of_a_known_kind"),
    (BROKER, {"world_id": "beta", "exchange": ""}, "a_broker_names_its_exchange"),
    (BROKER, {"world_id": "beta", "kind": "paper"}, "a_broker_names_its_exchange"),
    (BROKER, {"world_id": "beta", "kind": "paper", "exchange": ""}, "paper_needs_no_credentials"),
    ("strategies_edgeoverride", {}, "an_edge_is_set_once"),
    ("strategies_queuedcommand", {"command": "promote"}, "a_known_command_is_queued"),
    ("evaluation_promotion", {}, "a_strategy_waits_once_for_its_promotion"),
    ("evaluation_promotion", {"state": "maybe"}, "a_promotion_is_in_a_known_state"),
    ("evaluation_runresult", {"verdict": "maybe"}, "a_result_has_a_known_verdict"),
    ("evaluation_runrevision", {}, "revisions_of_a_run_count_up"),
    ("evaluation_snapshot", {"run_id": 9999}, "a_snapshot_name_is_used_once_per_world"),
    ("evaluation_cohortmember", {}, "one_cohort_member_per_family_and_strategy"),
    ("rebalancing_planrecord", {}, "a_run_id_plans_once"),
    ("rebalancing_planrecord", {"run_id": "x", "mode": "magic"}, "a_plan_has_a_known_mode"),
    ("rebalancing_planrecord", {"run_id": "x", "total_equity": 0}, "a_plan_divides_some_equity"),
    ("rebalancing_planworld", {}, "a_plan_has_a_world_once"),
    ("rebalancing_planworld", {"plan_id": 9999, "after": 2}, "a_plan_moves_fractions_of_equity"),
    ("rebalancing_proposal", {}, "a_cause_makes_one_proposal_per_world"),
    ("rebalancing_proposal", {"cause": "y", "origin": "dream"}, "a_proposal_has_a_known_origin"),
    ("rebalancing_allocation", {"world_id": "beta", "allocation": 2}, "an_allocation_is_a_fraction"),
    ("rebalancing_allocationrecord", {}, "a_run_allocates_once_per_world"),
    ("rebalancing_allocationrecord", {"run_id": "x", "origin": "dream"}, "an_allocation_has_a_known_origin"),
    ("rebalancing_allocationrecord", {"run_id": "x", "allocation": 2}, "a_former_allocation_is_a_fraction"),
    ("rebalancing_positionsnapshot", {}, "a_run_tells_positions_once_per_world"),
    (
        "rebalancing_positionsnapshot",
        {"run_id": "x", "origin": "dream"},
        "a_position_snapshot_has_a_known_origin",
    ),
    (
        "rebalancing_execution",
        {"plan_id": 9999, "state": "running"},
        "an_execution_runs_or_says_when_it_ended",
    ),
    (
        "rebalancing_execution",
        {"plan_id": 9999, "started_at": None},
        "only_a_plan_that_never_began_is_withdrawn",
    ),
    ("rebalancing_executionworld", {"execution_id": 9999}, "one_open_execution_per_world"),
    (
        "rebalancing_executionworld",
        {"released_at": "2026-01-01T00:00:00Z"},
        "an_execution_holds_a_world_once",
    ),
    (ORDER, {"place": 99}, "an_order_id_is_used_once"),
    (ORDER, {"order_id": "x"}, "orders_of_an_execution_count_up"),
    (ORDER, {**OTHER_ORDER, "status": "lost"}, "an_order_is_in_a_known_status"),
    (ORDER, {**OTHER_ORDER, "mode": "dream"}, "an_order_is_on_paper_or_live"),
    (ORDER, {**OTHER_ORDER, "purpose": "fun"}, "an_order_has_a_known_purpose"),
    (ORDER, {**OTHER_ORDER, "side": "up"}, "an_order_buys_or_sells"),
    (ORDER, {**OTHER_ORDER, "qty": 0, "filled_qty": 0}, "only_a_cross_trades_nothing"),
    (ORDER, {**OTHER_ORDER, "filled_qty": 9}, "an_order_on_paper_fills_at_most_its_quantity"),
]
IN_SQL_ONLY = {"a_run_belongs_to_a_binding", "an_inline_blob_has_its_own_name_and_size"}


def declared() -> set[str]:
    ours = [model for model in apps.get_models() if model._meta.app_label in OURS - {"knox"}]
    return {constraint.name for model in ours for constraint in model._meta.constraints} | IN_SQL_ONLY


@pytest.fixture(scope="module")
def rows_of_all_tables(keep: Keep) -> None:
    with keep("rows_of_all_tables") as root:
        write_rows(root)


@pytest.fixture
def rows(rows_of_all_tables: None, db: None) -> None:
    """At least one row in each table."""


def write_rows(root: ApiClient) -> None:
    root.make_world()
    root.post("/strategies", {"id": "mom"}, idempotency_key="once")
    root.submit("alpha", "mom", results())
    root.evaluate("alpha")
    root.post("/worlds/alpha/strategies/mom/performance", [{"ts": "2024-01-01T00:00:00Z", "return": 0.1}])
    root.post("/worlds/alpha/strategies/mom/fills", [fill()])
    node = {"node": "a", "state": "pre_warmup", "period": 61, "received": 1}
    root.call("PUT", "/worlds/alpha/strategies/mom/nodes", {"nodes": [node]})
    keys = {"kind": "ccxt", "exchange": "binance", "credentials": {"apiKey": "k"}}
    root.call("PUT", "/worlds/alpha/broker", keys)
    DeliveryCursor.objects.create(consumer="handlers", stream="alpha")
    DeliveryCount.objects.create(consumer="redis", result="delivered")
    told = Subscription.objects.create(
        name="desk", kind="webhook", target="https://example.com/", secret=b"", created_at=timezone.now()
    )
    DeadLetter.objects.create(
        subscription=told,
        stream="alpha",
        sequence=1,
        event_id=UUID(int=1),
        attempts=5,
        died_at=timezone.now(),
    )
    root.post("/worlds/alpha/evaluate", {})
    decision, now = Decision.objects.get(), timezone.now()
    hold_lease()
    World.objects.update(allow_live=True)
    hear_of_an_apply("mom", Actor(user_id=User.objects.get().pk, name="root", is_superuser=True))
    key = {"world_id": "alpha", "src_node": "signal", "dst_node": "live"}
    EdgeOverride.objects.create(**key, active=True, reason="a test", changed_by="root", changed_at=now)
    key = {"world_id": "alpha", "strategy_id": "mom"}
    QueuedCommand.objects.create(**key, command="activate", actor="root", reason="a test", queued_at=now)
    Tally.objects.create(name="a", value=1)
    Promotion.objects.create(
        world_id="alpha", strategy_id="mom", decision=decision, created_at=now, updated_at=now
    )
    leave_traces(Actor(user_id=User.objects.get().pk, name="root", is_superuser=True))
    revision = {"kind": "note", "author": "root", "document": "{}", "created_at": timezone.now()}
    RunRevision(run=EvaluationRun.objects.get(), revision=1, **revision).save()


def insert_copy(table: str, changes: dict[str, Any]) -> None:
    """A row like the first one, under a new number if it has one, but for the changes."""
    with connection.cursor() as cursor:
        kind = "SELECT 1 FROM information_schema.columns WHERE table_name = %s AND column_name = 'id'"
        cursor.execute(kind + " AND data_type = 'bigint'", [table])
        new = {"id": 9999} if cursor.fetchone() else {}
        copy = "INSERT INTO {0} SELECT c.* FROM {0} o, jsonb_populate_record(o, %s) c LIMIT 1"
        cursor.execute(sql.SQL(copy).format(sql.Identifier(table)), [json.dumps(new | changes)])


@pytest.mark.parametrize(("table", "changes", "name"), CASES, ids=[f"{c[2]} {c[1]}" for c in CASES])
def test_the_constraint_bites(rows: None, table: str, changes: dict[str, Any], name: str) -> None:
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        insert_copy(table, changes)
    assert caught.value.__cause__.diag.constraint_name == name


def test_every_constraint_is_tried() -> None:
    assert {name for _, _, name in CASES} == declared()


def test_every_constraint_is_named_by_a_sentence() -> None:
    assert [name for name in declared() if len(name.split("_")) < 3] == []
