"""Roles of users in worlds."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models


class Role(models.TextChoices):
    VIEWER = "viewer"
    SUBMITTER = "submitter"
    RUNNER = "runner"
    OPERATOR = "operator"
    RISK = "risk"
    OWNER = "owner"


class WorldRole(models.Model):
    """One role of one user in one world; a user may have several."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="world_roles")
    world = models.ForeignKey("worlds.World", on_delete=models.CASCADE, related_name="roles")
    role = models.CharField(max_length=16, choices=Role.choices)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = "world role"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["user", "world", "role"], name="a_role_is_held_once_per_user_and_world"
            ),
            models.CheckConstraint(
                condition=models.Q(role__in=Role.values), name="a_world_role_is_a_known_role"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} is {self.role} of {self.world_id}"
