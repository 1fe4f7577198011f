"""The ladder of a world, under the row that gives it its turn, and the door to evaluate it now."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

import orjson
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern
from django.utils.safestring import SafeString
from unfold.enums import ActionVariant

from evaluation import services
from evaluation.admin.impact import impact_urls
from evaluation.admin.ladder_page import ladder_page
from evaluation.models import EvaluationTurn
from qmtl_site.accounts.access import roles
from qmtl_site.accounts.admin_actor import actor_of_admin, admits
from qmtl_site.accounts.models import Role
from qmtl_site.pages.columns import column, number, state, when
from qmtl_site.pages.door import ConfirmForm, door, pass_through
from qmtl_site.pages.filters import one_of
from qmtl_site.pages.scope import url_of
from qmtl_site.pages.window import Window
from worlds.models import World

# The same declaration as on the API's view.
EVALUATE = roles(Role.OPERATOR)
NAMED = 10


@admin.register(EvaluationTurn)
class LadderAdmin(Window):
    world_path = "world_id"
    page_template = "pages/ladder.html"
    list_display = ("ladder", "state_badge", "last", "due", "figure_turns")
    list_filter = (one_of("state", "world__state", World.State.values),)
    list_filter_submit = True
    search_fields = ("world__id__istartswith", "world__name__icontains")
    search_help_text = "World"
    list_select_related = ("world",)
    ordering = ("world_id",)
    actions_detail: ClassVar = ["evaluate_now"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("world")

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        context = {**(extra_context or {}), "title": "Ladders of worlds"}
        response: HttpResponse = super().changelist_view(request, context)
        return response

    state_badge = state("world.state", "State", ordering="world__state")

    @column("Last evaluation", ordering="world__last_evaluation_at")
    def last(self, turn: EvaluationTurn) -> SafeString:
        return when(turn.world.last_evaluation_at)

    @column("Next evaluation", ordering="world__next_evaluation_at")
    def due(self, turn: EvaluationTurn) -> SafeString:
        return when(turn.world.next_evaluation_at)

    @column("World", ordering="world_id")
    def ladder(self, turn: EvaluationTurn) -> str:
        return turn.world_id

    @column("Evaluations")
    def figure_turns(self, turn: EvaluationTurn) -> Any:
        return number(str(turn.fence))

    def page(self, request: HttpRequest, row: EvaluationTurn) -> Mapping[str, Any]:
        # The trail at the top leads back to the world, whose page this is a part of.
        return {"original": row.world, "opts": World._meta, **ladder_page(row.world)}

    def get_urls(self) -> list[URLPattern]:
        return [*impact_urls(self), *super().get_urls()]

    # --- evaluating now ---------------------------------------------------------------------------------
    def has_evaluate_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        turn = self.find(request, object_id)
        return turn is not None and admits(request, EVALUATE, turn.world_id)

    def closed_doors(self, row: EvaluationTurn) -> Collection[str]:
        return set() if row.world.state in World.EVALUATED else {"evaluate_now"}

    @door(
        "Evaluate now", needs="evaluate", submit="Evaluate", form=ConfirmForm, icon="play_arrow",
        variant=ActionVariant.PRIMARY,
        says="Decides about the world as of now. Counters move at most once per slot of its schedule, and only on "
             "runs that were not counted, so asking again promotes nobody.",
    )  # fmt: skip
    def evaluate_now(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        turn = self.seen(request, object_id)

        def change() -> bytes:
            return services.evaluate_world(
                world_id=turn.world_id, actor=actor_of_admin(request, turn.world_id)
            )

        return pass_through(request, change, done=outcome, back=url_of(turn))


def outcome(body: bytes) -> str:
    """What an evaluation came to, in a sentence."""
    decision = orjson.loads(body)
    if decision["decision_id"] is None:
        return f"Evaluated, and nothing was decided: {decision['reason']}."
    plan = decision["plan"]
    parts = [moved(plan[name], words) for name, words in (("promote", "to promote"), ("demote", "to demote"),
                                                          ("reopen", "to open again")) if plan[name]]  # fmt: skip
    held = len(plan["hold"])
    parts.append(f"{held} {'stays' if held == 1 else 'stay'} where {'it is' if held == 1 else 'they are'}")
    counted = sum(candidate["counted"] for candidate in decision["candidates"])
    return f"Evaluated: {'; '.join(parts)}. {counted or 'Nobody'} counted for this slot."


def moved(names: list[str], words: str) -> str:
    shown = ", ".join(names[:NAMED]) + (" and more" if len(names) > NAMED else "")
    return f"{len(names)} {words} ({shown})"
