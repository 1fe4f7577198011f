"""Use cases of a world's broker: its settings, the credentials that are kept with them, and their rotation."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from qmtl_site.audit.actor import Actor
from qmtl_site.audit.chain import record
from qmtl_site.http.conditional import require_match
from qmtl_site.http.refusals import Invalid
from qmtl_site.ledger.transactions import use_case
from qmtl_site.outbox.events import emit
from worlds.domain.broker import BrokerFields
from worlds.events import WorldUpdated
from worlds.models import BrokerSettings, World
from worlds.services.locking import lock_world
from worlds.services.sealing import fingerprint, reseal, seal, unseal

NEVER_SET = "0"


@use_case
def set_broker(
    *, world_id: str, fields: BrokerFields, actor: Actor, reason: str = "", headers: Any = None
) -> BrokerSettings:
    """Replace a world's broker settings. Invalid where kept credentials would go to another exchange."""
    world = lock_world(world_id)
    known = BrokerSettings.objects.select_for_update(no_key=True).filter(world=world).first()
    require_match(headers or {}, NEVER_SET if known is None else str(known.revision))
    settings = write_broker(world, fields, actor, at="", reason=reason)
    emit(WorldUpdated(world_id=world_id, fields=["broker"]))
    return settings


@use_case
def rotate_credentials(*, actor: Actor) -> list[str]:
    """Seal all credentials with the first key; the worlds whose credentials it were. Unavailable, and nothing changed,
    where one cannot be opened."""
    rows = BrokerSettings.objects.select_for_update(no_key=True).exclude(sealed_credentials=None)
    rotated = list(rows.order_by("world_id"))
    for row in rotated:
        row.sealed_credentials = reseal(bytes(row.sealed_credentials or b""))
        record(actor, "broker.rotate", object_type="broker", object_id=row.world_id, world_id=row.world_id)
    BrokerSettings.objects.bulk_update(rotated, ["sealed_credentials"])
    return [row.world_id for row in rotated]


def open_credentials(row: BrokerSettings) -> dict[str, str]:
    """In the clear, for a use case that writes down to whom they go. Unavailable where no key opens them."""
    return unseal(row.world_id, bytes(row.sealed_credentials or b""))


# --- parts of the use cases above, and of those of a world -------------------------------------------------
def write_broker(
    world: World, fields: BrokerFields, actor: Actor, *, at: str, reason: str = ""
) -> BrokerSettings:
    """The settings of a locked world; `at` is where they stand in the body."""
    row = BrokerSettings.objects.select_for_update(no_key=True).filter(world=world).first()
    is_new, now = row is None, timezone.now()
    row = row or BrokerSettings(world=world, revision=0)
    elsewhere = (row.kind, row.exchange, row.sandbox) != (fields.kind, fields.exchange or "", fields.sandbox)
    keeps = fields.credentials is None and not fields.forgets_credentials
    if keeps and elsewhere and row.sealed_credentials is not None:
        raise Invalid.at(
            f"{at}/credentials",
            f"those that are kept belong to {row.exchange}: send new ones, or null to forget them",
        )
    row.kind, row.exchange, row.sandbox = fields.kind, fields.exchange or "", fields.sandbox
    row.options, row.paper = dict(fields.options), fields.paper.model_dump(mode="json")
    if not keeps:
        set_credentials(row, fields, actor)
    row.revision, row.updated_at = row.revision + 1, now
    row.save(force_insert=is_new)
    record(
        actor,
        "broker.set",
        object_type="broker",
        object_id=world.pk,
        world_id=world.pk,
        kind=row.kind,
        exchange=row.exchange,
        sandbox=row.sandbox,
        credentials="kept" if keeps else (row.credentials_fingerprint or "none"),
        reason=reason,
    )
    return row


def set_credentials(row: BrokerSettings, fields: BrokerFields, actor: Actor) -> None:
    secrets = fields.secrets()
    row.sealed_credentials = seal(row.world_id, secrets) if secrets else None
    row.credential_names = sorted(secrets)
    row.credentials_fingerprint = fingerprint(secrets) if secrets else ""
    row.credentials_set_by = actor.name[:150] if secrets else ""
    row.credentials_set_at = timezone.now() if secrets else None
