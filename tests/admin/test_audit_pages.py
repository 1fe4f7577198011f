"""What the audit says in words, and that a chain nobody has is never called intact."""

from __future__ import annotations

import orjson
import pytest
from django.test import Client

from qmtl_site.audit.models import AuditEntry
from qmtl_site.ledger.models import Ledger
from qmtl_site.pages.words import happened
from strategies.models import Binding
from tests.admin.conftest import Staff
from tests.api import ApiClient

VERIFY = "/admin/audit/auditentry/verify/"


@pytest.mark.parametrize(
    ("details", "words"),
    [
        (
            {"before": "validating", "after": "dry_run", "reason": "backtest run x passed"},
            "validating → dry_run: backtest run x passed",
        ),
        ({"before": None, "after": "submitted", "reason": "bound"}, "submitted: bound"),
        ({"reason": "outage"}, "outage"),
        (
            {"before": "evaluating", "status": "evaluated", "verdict": "pass"},
            "evaluating → evaluated, verdict pass",
        ),
        ({"before": "live"}, "live → ?"),
        ({"promote": ["a", "b"], "number": 0}, 'promote ["a","b"], number 0'),
        ({"status": "evaluated", "verdict": "fail", "ruleset_hash": "a" * 64}, "evaluated, verdict fail"),
        ({"version": 2, "checksum": "b" * 64, "reason": ""}, "version 2"),
        ({"user": "ann", "role": "risk"}, "user ann, role risk"),
        ({"results_sha256": "0123456789abcdef" * 4}, "results sha256 0123456789ab…"),
        (
            {
                "fields": {
                    "allow_live": False,
                    "risk_free_rate": 0.02,
                    "labels": ["a"],
                    "description": "x" * 90,
                }
            },
            "sets allow_live no, risk_free_rate 0.02, labels, description",
        ),
        ({"fields": {}}, ""),
        ({}, ""),
    ],
)
def test_details_are_told_in_words(details: dict[str, object], words: str) -> None:
    assert happened(orjson.dumps(details).decode()) == words


@pytest.mark.parametrize("details", ["{cut off", "[1]", "null", ""])
def test_details_that_somebody_has_broken_are_shown_as_they_are(details: str) -> None:
    assert happened(details) == details


@pytest.mark.django_db
def test_the_life_of_a_binding_says_from_where_to_where_and_why(boss: Client, alpha: str) -> None:
    key = Binding.objects.get(strategy_id="good").pk
    page = boss.get(f"/admin/strategies/binding/{key}/change/").content.decode()
    assert "validating → dry_run: backtest run r1 passed" in page
    assert "binding alpha/good" not in page  # the page is about nothing else


@pytest.mark.django_db
def test_the_audit_of_a_world_says_what_happened_to_what(boss: Client, alpha: str) -> None:
    page = boss.get("/admin/worlds/world/alpha/change/").content.decode()
    assert "binding alpha/good" in page
    assert "validating → dry_run: backtest run r1 passed" in page


@pytest.mark.django_db
def test_the_list_says_it_too_and_opens_though_details_are_broken(boss: Client, alpha: str) -> None:
    good = AuditEntry.objects.get(object_id="alpha/bad", action="binding.create")
    AuditEntry(**{**plain(good), "sequence": 999, "details": "{cut off"}).save(force_insert=True)
    page = boss.get("/admin/audit/auditentry/?stream=alpha").content.decode()
    assert "validating → dry_run: backtest run r1 passed" in page
    assert "{cut off" in page
    broken = AuditEntry.objects.get(sequence=999)
    assert "{cut off" in boss.get(f"/admin/audit/auditentry/{broken.pk}/change/").content.decode()


def plain(entry: AuditEntry) -> dict[str, object]:
    return {f.attname: getattr(entry, f.attname) for f in AuditEntry._meta.concrete_fields if f.name != "id"}


# --- the chain --------------------------------------------------------------------------------------------
@pytest.mark.django_db
@pytest.mark.parametrize("stream", ["nonesuch", "ALPHA", "alpha ", "n" * 5000])
def test_a_chain_that_is_not_there_is_not_called_intact(boss: Client, alpha: str, stream: str) -> None:
    page = boss.get(VERIFY, {"stream": stream})
    assert page.status_code == 404
    assert "There is no audit of" in page.content.decode()
    assert "intact" not in page.content.decode()


@pytest.mark.django_db
def test_a_head_without_entries_proves_nothing(boss: Client) -> None:
    Ledger.objects.create(stream="bare")
    assert boss.get(VERIFY, {"stream": "bare"}).status_code == 404


@pytest.mark.django_db
def test_entries_without_a_head_are_a_broken_chain(boss: Client, alpha: str) -> None:
    entry = AuditEntry.objects.filter(stream="alpha").earliest("sequence")
    AuditEntry(**{**plain(entry), "stream": "headless"}).save(force_insert=True)
    page = boss.get(VERIFY, {"stream": "headless"})
    assert page.status_code == 200
    assert "the ledger does not know it" in page.content.decode()


@pytest.mark.django_db
def test_whether_a_world_exists_is_not_told_to_strangers(staff: Staff, root: ApiClient, alpha: str) -> None:
    root.make_world("other")
    client = staff("vic", roles=["viewer"])
    assert [client.get(VERIFY, {"stream": name}).status_code for name in ("other", "nonesuch")] == [403, 403]
