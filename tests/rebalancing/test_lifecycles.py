"""Orders and executions move along their lifecycles, whoever writes them."""

from __future__ import annotations

from itertools import product

import pytest
from django.db import IntegrityError, models, transaction
from django.utils import timezone
from django_fsm import TransitionNotAllowed

from rebalancing.models import Execution, Order
from tests.api import ApiClient
from tests.lifecycles.plain import lifecycle, pairs, states
from tests.rebalancing.conftest import asked

ORDER = lifecycle(
    {
        "refuse": ("new", "refused"),
        "hand": ("new refused", "handed"),
        "fill": ("new refused handed cancelling", "filled"),
        "reject": ("new refused handed", "rejected"),
        "withdraw": ("handed", "cancelling"),
        "cancel": ("new refused handed cancelling", "cancelled"),
    }
)
EXECUTION = lifecycle(
    {
        "complete": ("running cancelling", "completed"),
        "withdraw": ("running", "cancelling"),
        "cancel": ("running cancelling", "cancelled"),
    }
)
CASES = [(Order, "status", ORDER), (Execution, "state", EXECUTION)]
each = pytest.mark.parametrize(("model", "field", "spec"), CASES, ids=["order", "execution"])


@each
def test_a_transition_is_open_exactly_where_it_is_declared(
    model: type[models.Model], field: str, spec: dict
) -> None:  # type: ignore[type-arg]
    for state, (name, (sources, target)) in product(states(spec), spec.items()):
        row = model(**{field: state})
        if state in sources:
            getattr(row, name)()
            assert getattr(row, field) == target
        else:
            with pytest.raises(TransitionNotAllowed):
                getattr(row, name)()


@each
def test_the_database_refuses_every_other_update(
    desk: ApiClient,
    model: type[models.Model],
    field: str,
    spec: dict,  # type: ignore[type-arg]
) -> None:
    desk.post("/rebalancing/apply", asked(run_id="r1"))
    desk.post("/rebalancing/execute", {"run_id": "r1"})
    (template,) = model._default_manager.order_by("pk").values()[:1]
    taken = {
        move
        for move in product(states(spec), repeat=2)
        if move[0] != move[1] and takes(model, field, template, *move)
    }
    assert taken == pairs(spec)


def takes(model: type[models.Model], field: str, template: dict, before: str, after: str) -> bool:  # type: ignore[type-arg]
    with transaction.atomic():
        fields = {**template, field: before}
        changes: dict[str, object] = {field: after}
        if model is Execution:
            fields |= {**moments(before), "plan_id": fields["plan_id"] + 1000}
            changes |= moments(after)
        else:
            fields |= {"id": None, "order_id": "another", "place": 999}
        row = model._default_manager.create(**fields)
        try:
            with transaction.atomic():
                model._default_manager.filter(pk=row.pk).update(**changes)
        except IntegrityError as error:
            assert f"does not go from {before} to {after}" in str(error)
            return False
        finally:
            transaction.set_rollback(True)
    return True


def moments(state: str) -> dict[str, object]:
    now = timezone.now()
    return {
        "completed_at": now if state == "completed" else None,
        "cancelled_at": now if state.startswith("cancel") or state == "withdrawn" else None,
    }


@pytest.mark.parametrize("state", ["running", "cancelling", "completed", "cancelled"])
def test_what_is_withdrawn_stays_so_and_what_has_begun_is_not(desk: ApiClient, state: str) -> None:
    desk.post("/rebalancing/apply", asked(run_id="r1"))
    desk.post("/rebalancing/cancel", {"run_id": "r1", "reason": "not now"})
    row = Execution.objects.get()
    now = timezone.now()
    for before, after in (("withdrawn", state), (state, "withdrawn")):
        fields = {"plan_id": row.pk + 1000, "actor": "x", "updated_at": now}
        started = None if before == "withdrawn" else now
        with transaction.atomic():
            other = Execution.objects.create(**fields, state=before, started_at=started, **moments(before))
            with pytest.raises(IntegrityError, match="does not go from"), transaction.atomic():
                Execution.objects.filter(pk=other.pk).update(state=after, **moments(after))
            transaction.set_rollback(True)


def test_what_an_order_is_does_not_change(desk: ApiClient) -> None:
    desk.post("/rebalancing/apply", asked(run_id="r1"))
    desk.post("/rebalancing/execute", {"run_id": "r1"})
    with pytest.raises(IntegrityError, match="qty does not change"), transaction.atomic():
        Order.objects.update(qty=5)
