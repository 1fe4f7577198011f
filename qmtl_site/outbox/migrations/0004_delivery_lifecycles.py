"""Subscriptions and dead letters move along their lifecycles and stay what they are."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations

from qmtl_site.ledger.guard_lifecycle import GuardLifecycle
from qmtl_site.ledger.keep_columns import KeepColumns


class Migration(migrations.Migration):
    dependencies: ClassVar = [("outbox", "0003_subscriptions")]
    operations: ClassVar = [
        GuardLifecycle(
            "outbox_subscription", "state", {"active": ["paused", "removed"], "paused": ["active", "removed"]}
        ),
        KeepColumns("outbox_subscription", ["id", "kind", "stream", "created_by", "created_at"]),
        GuardLifecycle("outbox_deadletter", "state", {"dead": ["waiting"], "waiting": ["dead", "delivered"]}),
        KeepColumns("outbox_deadletter", ["id", "subscription_id", "stream", "sequence", "event_id", "type"]),
    ]
