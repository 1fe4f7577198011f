"""Events are evidence."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations

from qmtl_site.ledger.forbid_change import ForbidChange


class Migration(migrations.Migration):
    dependencies: ClassVar = [("outbox", "0001_initial")]
    operations: ClassVar = [ForbidChange("outbox_outboxevent")]
