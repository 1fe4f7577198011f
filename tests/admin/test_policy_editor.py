"""The policy editor: faults at their lines, and nothing of the text is lost."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.admin.conftest import Staff, told
from tests.api import ApiClient, body
from worlds.models import PolicyVersion

pytestmark = pytest.mark.django_db

ADD = "/admin/worlds/policyversion/add/"
CHECK = "/admin/worlds/policyversion/check/"
BAD = "\n# kept\nversion: 1\nvalidation_profiles:\n  backtest:\n    performance: {sharpe_mim: 1}   \n\n"
GOOD = "# why\nversion: 1\nselection: {score: sharpe}\n"


def write(client: Client, source: str, **fields: str) -> object:
    return client.post(ADD, {"world": "alpha", "language": "yaml", "source": source, **fields}, follow=True)


def test_faults_are_shown_with_line_path_and_nearest_names(boss: Client, alpha: str) -> None:
    page = boss.post(ADD, {"world": "alpha", "language": "yaml", "source": BAD})
    assert page.status_code == 422
    (fault,) = page.context["faults"]
    assert fault["line"] == 6
    assert fault["path"] == "validation_profiles.backtest.performance.sharpe_mim"
    shown = page.content.decode()
    assert "line 6:" in shown
    assert "Did you mean sharpe_min?" in shown


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_nothing_of_the_text_is_lost(boss: Client, alpha: str, newline: str) -> None:
    source = BAD.replace("\n", newline)
    page = boss.post(ADD, {"world": "alpha", "language": "yaml", "source": source})
    assert page.context["form"]["source"].value() == source
    # The first line break after the tag is not part of a textarea's value.
    assert f'aria-label="Policy text">\n{source}</textarea>' in page.content.decode()
    assert PolicyVersion.objects.count() == 1


def test_a_good_text_is_kept_as_a_draft(boss: Client, alpha: str) -> None:
    page = write(boss, GOOD.replace("\n", "\r\n"))
    assert "is kept as a draft" in told(page)[0]
    draft = PolicyVersion.objects.get(version=2)
    assert (draft.state, draft.text.source, draft.text.media) == ("draft", GOOD, "yaml")


def test_it_starts_from_the_active_text(boss: Client, alpha: str) -> None:
    active = PolicyVersion.objects.get(state="active")
    page = boss.get(f"{ADD}?world=alpha")
    form = page.context["form"]
    assert (form["source"].value(), form["language"].value()) == (active.text.source, active.text.media)
    assert b'<option value="json" selected>' in page.content


def test_a_retired_world_refuses_and_keeps_the_text(boss: Client, root: ApiClient, alpha: str) -> None:
    root.delete("/worlds/alpha?reason=done")
    page = boss.post(ADD, {"world": "alpha", "language": "yaml", "source": GOOD})
    assert page.context["form"]["source"].value() == GOOD
    assert "E_WORLD_RETIRED" in told(page)[0]


def test_faults_are_told_while_one_writes(boss: Client, alpha: str) -> None:
    assert body(boss.post(CHECK, {"source": GOOD})) == {"faults": []}
    (fault,) = body(boss.post(CHECK, {"source": BAD}))["faults"]
    assert (fault["line"], fault["message"], fault["nearest"]) == (6, "unknown key", ["sharpe_min"])


def test_checking_needs_somebody_who_may_write(staff: Staff, alpha: str) -> None:
    assert staff("vic", roles=["viewer"]).post(CHECK, {"source": GOOD}).status_code == 403
    assert staff("ann", roles=["owner"]).get(CHECK).status_code == 403


def test_the_page_of_a_draft_shows_what_would_change(boss: Client, alpha: str) -> None:
    write(boss, GOOD)
    draft = PolicyVersion.objects.get(version=2)
    page = boss.get(f"/admin/worlds/policyversion/{draft.pk}/change/")
    assert ("add", "+version: 1") in page.context["changes"]
    assert draft.text.checksum.encode() in page.content
