"""Evidence cannot be changed through the admin, by nobody."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from evaluation.models import EvaluationRun, Snapshot, Trial
from qmtl_site.audit.models import AuditEntry
from qmtl_site.ledger.models import AppendOnly
from qmtl_site.outbox.models import OutboxEvent
from qmtl_site.pages.window import Window
from strategies.models import Binding, Strategy
from worlds.models import PolicyVersion, World

pytestmark = pytest.mark.django_db

SHOWN = [EvaluationRun, Snapshot, Trial, AuditEntry, OutboxEvent, PolicyVersion, World, Strategy, Binding]


def test_every_append_only_model_that_is_shown_is_a_window() -> None:
    shown = [page for model, page in admin.site._registry.items() if issubclass(model, AppendOnly)]
    assert shown
    assert all(isinstance(page, Window) for page in shown)


@pytest.mark.parametrize("model", SHOWN)
def test_posting_a_change_is_forbidden(boss: Client, alpha: str, model: type[World]) -> None:
    row = model.objects.order_by("pk")[0]
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    assert boss.post(reverse(f"{name}_change", args=[row.pk]), {"name": "x"}).status_code == 403
    assert boss.get(reverse(f"{name}_delete", args=[row.pk])).status_code == 403
    assert boss.post(reverse(f"{name}_delete", args=[row.pk]), {"post": "yes"}).status_code == 403
    assert model.objects.filter(pk=row.pk).exists()


@pytest.mark.parametrize(
    "model", [EvaluationRun, Snapshot, Trial, AuditEntry, OutboxEvent, Strategy, Binding]
)
def test_nothing_is_added_by_hand(boss: Client, model: type[World]) -> None:
    url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_add")
    assert boss.post(url, {}).status_code == 403


@pytest.mark.parametrize("model", SHOWN)
def test_lists_have_no_bulk_actions(boss: Client, alpha: str, model: type[World]) -> None:
    url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    keys = list(model.objects.values_list("pk", flat=True))
    boss.post(url, {"action": "delete_selected", "_selected_action": keys, "post": "yes"})
    assert model.objects.count() == len(keys)
