"""What a policy would change, before it is published: pages of a world, and their places on the policy's pages.

The pages of policies belong to worlds, which know nothing of runs and decisions; so these stand under the
world's ladder, and are shown over there as panels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from django.contrib.admin.utils import quote
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse

from evaluation import services
from evaluation.admin.impact_page import impact_shown
from evaluation.schemas import ImpactQuestion
from qmtl_site.accounts.access import roles
from qmtl_site.accounts.admin_actor import admits
from qmtl_site.accounts.models import Role
from qmtl_site.http.refusals import NotFound
from qmtl_site.pages.door import REFUSED, words_of
from qmtl_site.pages.panel import Panel, panel_on
from qmtl_site.pages.scope import named_url
from qmtl_site.pages.window import Window
from worlds.domain.policy import PolicyRefused, load_policy
from worlds.models import PolicyVersion, World
from worlds.selectors import get_policy

# Who writes policies may ask about a text; the same declaration as on the editor.
WRITE = roles(Role.OWNER)
# Bounds and default are those of the API.
DAYS = ImpactQuestion.model_json_schema()["properties"]["days"]
LONGEST_NUMBER = 9
Ask = Callable[..., Mapping[str, Any]]
TITLE = "What publishing it would change"


def impact_urls(window: Window) -> list[URLPattern]:
    """Under the key of a world's ladder, so that whoever sees the one sees the other."""

    def view(function: Callable[..., HttpResponse]) -> Any:
        return window.admin_site.admin_view(partial(function, window))

    name = "evaluation_evaluationturn"
    return [
        path("<str:key>/impact/", view(impact_of_text), name=f"{name}_text_impact"),
        path("<str:key>/impact/<int:version>/", view(impact_of_version), name=f"{name}_impact"),
    ]


def impact_of_version(window: Window, request: HttpRequest, key: str, version: int) -> HttpResponse:
    world: World = window.seen(request, key).world
    try:
        policy = get_policy(world.pk, version)
    except NotFound as error:
        raise Http404(str(error)) from None
    ask = partial(services.policy_impact, world_id=world.pk, version=version)
    return window.render(
        request,
        "pages/impact.html",
        title=f"Impact of {policy}",
        original=policy,
        opts=PolicyVersion._meta,
        policy=policy,
        world=world,
        impact_url=url_of_impact(policy),
        **answer(world, request.GET, ask),
    )


def impact_of_text(window: Window, request: HttpRequest, key: str) -> HttpResponse:
    """Of what stands in the editor. Asked with POST because it has a body; nothing is written."""
    world: World = window.seen(request, key).world
    if request.method != "POST" or not admits(request, WRITE, world.pk):
        raise PermissionDenied
    return window.render(
        request,
        "pages/impact.html",
        title=f"Impact of a text in {world}",
        original=world,
        opts=World._meta,
        world=world,
        **answer_of_text(world, request.POST),
    )


def answer_of_text(world: World, given: Mapping[str, str]) -> dict[str, Any]:
    source = given.get("source", "").replace("\r\n", "\n")
    try:
        policy = load_policy(source, media="json" if given.get("language") == "json" else "yaml")
    except PolicyRefused as refused:
        return {"problem": "The text does not validate yet.", "faults": refused.faults}
    return answer(world, given, partial(services.text_impact, world_id=world.pk, policy=policy))


def answer(world: World, given: Mapping[str, str], ask: Ask) -> dict[str, Any]:
    """The impact, or in words why there is none."""
    text = given.get("days") or str(DAYS["default"])
    asked = {"days": text, "bounds": DAYS}
    days = days_in(text)
    if world.is_retired:
        return {"problem": f"{world.pk} is retired: nothing is published in it any more."}
    if days is None:
        return {
            **asked,
            "problem": f"The days are a whole number from {DAYS['minimum']} to {DAYS['maximum']}.",
        }
    try:
        return {**asked, "shown": impact_shown(world, ask(days=days))}
    except REFUSED as error:
        return {**asked, "problem": words_of(error)}


def days_in(text: str) -> int | None:
    if not text.isdecimal() or len(text) > LONGEST_NUMBER:
        return None
    days = int(text)
    return days if DAYS["minimum"] <= days <= DAYS["maximum"] else None


# --- on the policy's pages --------------------------------------------------------------------------------
def url_of_impact(policy: PolicyVersion) -> str:
    name = "admin:evaluation_evaluationturn_impact"
    return reverse(name, args=[quote(policy.world_id), policy.version])


@panel_on("worlds.policyversion", place=10)
def impact_of_a_policy(request: HttpRequest, policy: PolicyVersion) -> Panel | None:
    """Read when the page is there: over many runs it takes seconds."""
    if policy.state == PolicyVersion.State.ACTIVE:
        return None
    url = url_of_impact(policy)
    context = {"url": url, "part": "#impact"}
    return Panel(TITLE, "pages/panels/impact.html", context, link=url, link_text="On a page of its own")


@panel_on("worlds.policyversion.publish", place=10)
def impact_before_publishing(request: HttpRequest, policy: PolicyVersion) -> Panel:
    """The summary in the dialog, which leads to the whole."""
    context = {"url": url_of_impact(policy), "part": ".q-impact-summary", "leads_on": True}
    return Panel(TITLE, "pages/panels/impact.html", context)


@panel_on("worlds.policyversion.editor", place=10)
def impact_of_what_is_written(request: HttpRequest, world: World) -> Panel:
    context = {"url": named_url("evaluation.evaluationturn", world.pk, "text_impact"), "bounds": DAYS}
    return Panel("What publishing this text would change", "pages/panels/text_impact.html", context)
