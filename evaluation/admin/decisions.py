"""Decisions: the list, a decision as a funnel with every candidate explained, its replay, the door to apply it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, ClassVar
from uuid import uuid4

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path
from django.utils.safestring import SafeString
from unfold.enums import ActionVariant

from evaluation import services
from evaluation.admin.applying import ApplyForm, Moves, applying_page, moves_of
from evaluation.admin.correlations import correlations_of
from evaluation.admin.decision_page import decision_page
from evaluation.models import Decision
from evaluation.selectors.shown import listed_decisions
from qmtl_site.accounts.access import roles
from qmtl_site.accounts.admin_actor import actor_of_admin, admits
from qmtl_site.accounts.models import Role
from qmtl_site.http.conditional import immutable
from qmtl_site.pages.columns import column, moment, number, short
from qmtl_site.pages.door import REFUSED, door, pass_through, words_of
from qmtl_site.pages.filters import exact
from qmtl_site.pages.scope import url_of, visible
from qmtl_site.pages.window import Window
from strategies.models import Apply

LONGEST_PAGE_NUMBER = 9
# The same declaration as on the API's view.
APPLY = roles(Role.OPERATOR)


@admin.register(Decision)
class DecisionAdmin(Window):
    world_path = "world_id"
    page_template = "pages/decision.html"
    list_display = ("name", "world", "figure_number", "decided", "figure_policy", "figure_promoted",
                    "figure_demoted", "made_by", "digest")  # fmt: skip
    list_filter = (exact("world", "world_id"), exact("by", "made_by"))
    list_filter_submit = True
    search_fields = ("decision_id__istartswith",)
    search_help_text = "Decision"
    ordering = ("-created_at", "-id")
    actions_detail: ClassVar = ["apply"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Decision]:
        return visible(request, listed_decisions(), self.world_path)

    decided = moment("as_of", "Decided")

    @column("Decision")
    def name(self, decision: Decision) -> SafeString:
        return short(decision.decision_id)

    @column("Turn", ordering="number")
    def figure_number(self, decision: Decision) -> SafeString:
        return number(str(decision.number))

    @column("Policy")
    def figure_policy(self, decision: Decision) -> SafeString:
        return number(f"v{decision.policy_version}")

    @column("Promoted")
    def figure_promoted(self, decision: Decision) -> SafeString:
        return number(str(decision.promoted))

    @column("Demoted")
    def figure_demoted(self, decision: Decision) -> SafeString:
        return number(str(decision.demoted))

    @column("sha256")
    def digest(self, decision: Decision) -> SafeString:
        return short(decision.sha256)

    def page(self, request: HttpRequest, row: Decision) -> Mapping[str, Any]:
        strategy = request.GET.get("strategy", "").replace("\0", "")
        return {
            **decision_page(row, strategy=strategy, page=page_number(request)),
            **applying_page(row, self.moves(row), may=admits(request, APPLY, row.world_id)),
        }

    # --- applying it --------------------------------------------------------------------------------------
    def has_apply_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        decision = self.find(request, object_id)
        request.decision_of_dialog = decision  # type: ignore[attr-defined]
        return decision is not None and admits(request, APPLY, decision.world_id)

    def closed_doors(self, row: Decision) -> Collection[str]:
        return set() if self.moves(row).moves_something else {"apply"}

    def moves(self, row: Decision) -> Moves:
        """Read once for a page, which asks for it twice."""
        found: Moves | None = row.__dict__.get("moves_now")
        if found is None:
            found = row.__dict__["moves_now"] = moves_of(row)
        return found

    @door(
        "Apply", needs="apply", submit="Apply", form=ApplyForm, icon="change_circle",
        variant=ActionVariant.PRIMARY,
        says="Begins an apply: what it closes is closed when this returns, what it opens waits until everybody who "
             "holds the gates has answered. You confirm what is to open again.",
    )  # fmt: skip
    def apply(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        decision = self.seen(request, object_id)

        def change() -> Apply:
            return services.apply_decision(
                world_id=decision.world_id,
                decision_id=decision.decision_id,
                run_id=f"confirmed-{uuid4().hex}",
                reason=form.cleaned_data["reason"],
                actor=actor_of_admin(request, decision.world_id),
                confirmed=True,
            )

        done = f"Decision {decision.number} of {decision.world_id} is being applied."
        return pass_through(request, change, done=done, back=url_of(decision), on=url_of)

    # --- other pages of a decision ------------------------------------------------------------------------
    def get_urls(self) -> list[URLPattern]:
        def view(function: Any) -> Any:
            return self.admin_site.admin_view(function)

        name = "evaluation_decision"
        return [
            path("<int:key>/replay/", view(self.replay), name=f"{name}_replay"),
            path("<int:key>/correlations/", view(self.correlations), name=f"{name}_correlations"),
            path("<int:key>/decision.json", view(self.json), name=f"{name}_json"),
            *super().get_urls(),
        ]

    def replay(self, request: HttpRequest, key: int) -> HttpResponse:
        """Reads only, but computes: hence asked for by POST."""
        if request.method != "POST":
            raise PermissionDenied
        decision = self.seen(request, str(key))
        try:
            answer = services.replay_decision(world_id=decision.world_id, decision_id=decision.decision_id)
        except REFUSED as error:
            messages.error(request, words_of(error))
        else:
            tell = messages.success if answer["identical"] else messages.warning
            tell(request, replayed(answer))
        return HttpResponseRedirect(url_of(decision))

    def correlations(self, request: HttpRequest, key: int) -> HttpResponse:
        decision = self.seen(request, str(key))
        return self.render(
            request,
            "pages/correlations.html",
            title=f"Correlations of {decision}",
            original=decision,
            decision=decision,
            **correlations_of(decision),
        )

    def json(self, request: HttpRequest, key: int) -> HttpResponse:
        decision = self.seen(request, str(key))
        response = immutable(request, bytes(decision.document), decision.sha256)
        response["Content-Disposition"] = f'attachment; filename="{decision.decision_id}.json"'
        return response


def page_number(request: HttpRequest) -> int:
    given = request.GET.get("part", "1")
    return int(given) if given.isdecimal() and len(given) <= LONGEST_PAGE_NUMBER else 1


def replayed(answer: Mapping[str, Any]) -> str:
    """Whether the same bytes came out, else why not, with the versions that differ."""
    if answer["identical"]:
        return f"Replayed: identical, the same bytes (sha256 {answer['sha256'][:16]}…)."
    then, now = answer["versions"]["then"], answer["versions"]["now"]
    differ = [
        f"{name} {then.get(name, '?')} then, {now[name]} now" for name in now if then.get(name) != now[name]
    ]
    what = f" ({'; '.join(differ)})" if differ else ""
    return f"Replayed: not identical, because of {answer['reason']}: {answer['detail']}{what}."
