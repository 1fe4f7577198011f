"""What an executing runner says of orders that it was handed: why one is not filled, that one was taken back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, partial
from typing import Literal, NamedTuple

from qmtl_site.audit.actor import Actor
from qmtl_site.database import update_rows
from qmtl_site.http.refusals import Invalid
from qmtl_site.ledger.transactions import use_case
from rebalancing.models import Execution, Order
from rebalancing.selectors.plans import plan_again, plan_record, worlds_of
from rebalancing.selectors.reported import worlds_in
from rebalancing.services.admitting import lock_all
from rebalancing.services.batches import CHANGED, Batch
from rebalancing.services.reported import NOT_FILLED
from rebalancing.services.telling import note_act
from strategies.errors import GateClosed
from strategies.services import Claim, leased

ACTION = "rebalancing.answer"


class Word(NamedTuple):
    """`not_filled`: the broker refuses it, or what is left of it; the runner tries it again when it is asked to.
    `taken_back`: nothing of it is at the broker, and nothing more will be sent; all its fills were reported before."""

    order_id: str
    outcome: Literal["not_filled", "taken_back"]
    reason: str


def take_words(*, world_id: str, claim: Claim, words: Sequence[Word], actor: Actor) -> int:
    """How many orders are other than they were, each execution in a transaction of its own. Saying it again changes
    nothing, and so does a word about an order that has ended.

    GateClosed where the runner holds no such lease, Invalid where an order was not handed to its name in this world.
    """
    client = leased(world_id, claim, actor)
    if client is None:
        raise GateClosed(f"{claim.client_id} holds no such lease in {world_id}: register again")
    named = {word.order_id: word for word in words}
    rows = Order.objects.filter(order_id__in=named, mode="live", executor=client.executor).exclude(
        executor=""
    )
    found = {each.order_id: each for each in rows.select_related("execution__plan")}
    for place, word in enumerate(words):
        if word.order_id not in found or world_id not in worlds_in(found[word.order_id]):
            said = f"{word.order_id!r} was not handed to {client.executor or client.client_id} in {world_id}"
            raise Invalid.at(f"/orders/{place}/order_id", said)
    runs = sorted({each.execution.plan.run_id for each in found.values()})
    return sum(take_words_of(run_id=run, world_id=world_id, words=named, actor=actor) for run in runs)


@use_case
def take_words_of(*, run_id: str, world_id: str, words: Mapping[str, Word], actor: Actor) -> int:
    """In one execution. A reason is no news to a runner, who would try again at once: it is written down, not told."""
    row = plan_record(run_id)
    worlds = worlds_of(row)
    lock_all(worlds, writable=False)
    execution = Execution.objects.select_for_update(no_key=True).get(plan=row)
    if not execution.is_open:
        return 0
    recall, reason = cache(partial(plan_again, row)), "the runner said so"
    batch = Batch(row, recall, execution, worlds, actor, reason, action=ACTION, is_asked=False)
    batch.take_reported()
    open_still = [
        each for each in batch.sent if each.order_id in words and each.status != Order.Status.FILLED
    ]
    ended = [each for each in open_still if takes_back(each, words[each.order_id], world_id)]
    noted = [each for each in open_still if notes(each, words[each.order_id])]
    for order in (*ended, *noted):
        order.updated_at = batch.now
    batch.changed += ended
    update_rows(noted, CHANGED)
    if batch.changed:
        batch.finish()
    elif noted:
        note_act(row, execution, worlds, batch.shown, action=ACTION, actor=actor, reason=reason)
    return len(ended) + len(noted)


def takes_back(order: Order, word: Word, world_id: str) -> bool:
    """What is of several worlds has no runner that could answer for all of it: a person abandons it."""
    if (
        word.outcome != "taken_back"
        or order.status != Order.Status.CANCELLING
        or worlds_in(order) != {world_id}
    ):
        return False
    order.cancel()
    return True


def notes(order: Order, word: Word) -> bool:
    if word.outcome != "not_filled" or order.status != Order.Status.HANDED:
        return False
    if (order.code, order.reason) == (NOT_FILLED, word.reason):
        return False
    order.code, order.reason = NOT_FILLED, word.reason
    return True
