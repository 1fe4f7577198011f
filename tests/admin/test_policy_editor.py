"""The policy editor: faults at their lines, and nothing of the text is lost."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.admin.conftest import Staff, browse, told
from tests.api import ApiClient, body
from tests.problem import nothing_written
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
    answer = body(boss.post(CHECK, {"world": "alpha", "source": BAD}))
    (fault,) = answer["faults"]
    assert (fault["line"], fault["message"], fault["nearest"]) == (6, "unknown key", ["sharpe_min"])
    assert answer["says"] == ""


def test_a_text_without_faults_is_told_what_it_is_known_by(boss: Client, alpha: str) -> None:
    answer = body(boss.post(CHECK, {"world": "alpha", "source": GOOD}))
    write(boss, GOOD)
    text = PolicyVersion.objects.get(version=2).text
    known_by = f"checksum {text.checksum[:12]}, rule set {text.ruleset_hash[:12]}"
    assert answer == {"faults": [], "says": f"It validates: {known_by}."}


def test_a_text_that_means_the_same_as_a_version_says_so(boss: Client, alpha: str) -> None:
    active = PolicyVersion.objects.get(state="active").text
    form = {"world": "alpha", "language": "json", "source": f"\n{active.source}\n"}
    assert body(boss.post(CHECK, form))["says"].endswith("It means the same as v1, which is active.")
    write(boss, GOOD)
    says = body(boss.post(CHECK, {"world": "alpha", "source": f"# another word\n{GOOD}"}))["says"]
    assert says.endswith("It means the same as v2.")


@pytest.mark.parametrize("world", ["alpha", "nowhere", "al\0pha", ""])
def test_versions_of_other_worlds_are_not_told(staff: Staff, root: ApiClient, alpha: str, world: str) -> None:
    root.make_world("other")
    source = PolicyVersion.objects.get(world="alpha").text.source
    form = {"world": world, "language": "json", "source": source}
    says = body(staff("ann", world="other", roles=["owner"]).post(CHECK, form))["says"]
    assert says.startswith("It validates")
    assert "the same as" not in says


def test_checking_writes_nothing(boss: Client, alpha: str) -> None:
    with nothing_written():
        boss.post(CHECK, {"world": "alpha", "source": GOOD})
        boss.post(CHECK, {"world": "alpha", "source": BAD})


def test_checking_needs_somebody_who_may_write(staff: Staff, superuser: User, alpha: str) -> None:
    assert staff("vic", roles=["viewer"]).post(CHECK, {"source": GOOD}).status_code == 403
    assert staff("ann", roles=["owner"]).get(CHECK).status_code == 403
    assert browse(superuser, enforce_csrf_checks=True).post(CHECK, {"source": GOOD}).status_code == 403


@pytest.mark.parametrize("source", ["", "\0", "a: &a [*a]", "[" * 5000, "version: 1\n" * 40_000])
def test_any_text_gets_faults_and_no_failure(boss: Client, alpha: str, source: str) -> None:
    answer = boss.post(CHECK, {"world": "alpha", "source": source})
    assert answer.status_code == 200
    assert body(answer)["faults"]


def test_the_editor_runs_no_script_of_its_page(boss: Client, alpha: str) -> None:
    """What a content security policy would refuse: ours are files."""
    page = boss.get(f"{ADD}?world=alpha").content.decode()
    form = page[page.index('id="policy-form"') :]
    ours = form[: form.index("policy-faults-data")]
    assert "<script" not in ours.replace("<script id=", "")
    assert not re.search(r"\son\w+=", ours)
    assert 'src="/static/qmtl/policy-editor.js"' in page


def test_the_page_of_a_draft_shows_what_would_change(boss: Client, alpha: str) -> None:
    write(boss, GOOD)
    draft = PolicyVersion.objects.get(version=2)
    page = boss.get(f"/admin/worlds/policyversion/{draft.pk}/change/")
    assert ("add", "+version: 1") in page.context["changes"]
    assert draft.text.checksum.encode() in page.content
