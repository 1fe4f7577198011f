"""Edges between a strategy's graph and a live domain, as policies and operators set them; commands that wait."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from strategies.models.strategy import Strategy
from worlds.models import World


class EdgeOverride(models.Model):
    """Whether an edge between two nodes is on; an edge from a backtest to a live domain is off unless said."""

    world = models.ForeignKey(World, on_delete=models.PROTECT, related_name="edge_overrides")
    src_node = models.CharField(max_length=256)
    dst_node = models.CharField(max_length=256)
    active = models.BooleanField()
    reason = models.CharField(max_length=2000)
    changed_by = models.CharField(max_length=150)
    changed_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["world", "src_node", "dst_node"], name="an_edge_is_set_once")
        ]

    def __str__(self) -> str:
        return f"{self.src_node} -> {self.dst_node} in {self.world_id}"


class QueuedCommand(models.Model):
    """A command that came while its world was paused; it runs on resume, in order, as whoever gave it."""

    world = models.ForeignKey(World, on_delete=models.PROTECT, related_name="queued_commands")
    strategy = models.ForeignKey(Strategy, on_delete=models.PROTECT, related_name="+")
    command = models.CharField(
        max_length=16, choices=[("activate", "activate"), ("deactivate", "deactivate")]
    )
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    actor = models.CharField(max_length=150)
    reason = models.CharField(max_length=2000)
    queued_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=2000, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(command__in=["activate", "deactivate"]), name="a_known_command_is_queued"
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["world", "id"], condition=Q(done_at=None), name="command_waits")
        ]

    def __str__(self) -> str:
        return f"{self.command} {self.strategy_id} in {self.world_id}"
