"""Gate clients: processes that hold gates by a lease, and for which strategies."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from strategies.models.strategy import Strategy
from worlds.models import World


class GateClient(models.Model):
    """Somebody who holds gates of a world and closes them by himself when his lease runs out."""

    world = models.ForeignKey(World, on_delete=models.PROTECT, related_name="gate_clients")
    client_id = models.CharField(max_length=128)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    token_digest = models.CharField(max_length=128, help_text="Of the token that it is bound to.")
    secret_hash = models.CharField(max_length=64, help_text="sha256 of the lease secret.")
    executor = models.CharField(max_length=200, blank=True)
    registered_at = models.DateTimeField()
    lease_until = models.DateTimeField(help_text="By the database's clock.")
    revoked_at = models.DateTimeField(null=True)
    revoked_reason = models.CharField(max_length=500, blank=True)

    class Meta:
        permissions: ClassVar = [("revoke_gateclient", "Can revoke the lease of a gate client")]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["world", "client_id"],
                condition=Q(revoked_at=None),
                name="a_gate_client_holds_one_lease",
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["world", "-registered_at", "-id"], name="gate_client_world_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.client_id} in {self.world_id}"


class GateHold(models.Model):
    """A strategy whose gate a client holds, and the code that it runs."""

    client = models.ForeignKey(GateClient, on_delete=models.CASCADE, related_name="holds")
    strategy = models.ForeignKey(Strategy, on_delete=models.PROTECT, related_name="+")
    code_hash = models.CharField(max_length=128, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["client", "strategy"], name="a_client_holds_a_gate_once")
        ]

    def __str__(self) -> str:
        return f"{self.strategy_id} held by {self.client_id}"
