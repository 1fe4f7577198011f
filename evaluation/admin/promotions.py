"""Promotions that wait for a person, with the doors to approve or reject them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, ClassVar

import orjson
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from unfold.enums import ActionVariant

from evaluation import services
from evaluation.admin.decision_page import explained
from evaluation.models import Promotion
from evaluation.selectors.shown import listed_promotions, newest_decision
from evaluation.services.promotions import require_approver
from qmtl_site.accounts.access import roles
from qmtl_site.accounts.admin_actor import actor_of_admin, admits
from qmtl_site.accounts.models import Role
from qmtl_site.audit.models import AuditEntry
from qmtl_site.http.refusals import Refusal
from qmtl_site.pages.columns import column, moment, state
from qmtl_site.pages.door import door, pass_through, words_of
from qmtl_site.pages.filters import exact, one_of
from qmtl_site.pages.scope import named_url, url_of, visible
from qmtl_site.pages.window import Window
from strategies.models import Apply

# The same declaration as on the API's views; the policy says which of them.
DECIDE = roles(Role.RISK, Role.OPERATOR)
ENTRIES = 20


@admin.register(Promotion)
class PromotionAdmin(Window):
    world_path = "world_id"
    page_template = "pages/promotion.html"
    list_display = ("name", "world", "state_badge", "turn", "since", "decided_by", "changed")
    list_filter = (exact("world", "world_id"), one_of("state", "state", Promotion.State.values),
                   exact("strategy", "strategy_id"))  # fmt: skip
    list_filter_submit = True
    search_fields = ("strategy__id__istartswith",)
    search_help_text = "Strategy"
    ordering = ("-created_at", "-id")
    actions_detail: ClassVar = ["approve", "reject"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Promotion]:
        return visible(request, listed_promotions(), self.world_path)

    state_badge = state("state", "State", ordering="state")
    since = moment("created_at", "Since")
    changed = moment("updated_at", "Last change")

    @column("Strategy", ordering="strategy_id")
    def name(self, promotion: Promotion) -> str:
        return promotion.strategy_id

    @column("Decision")
    def turn(self, promotion: Promotion) -> str:
        return f"{promotion.decision.number} of {promotion.world_id}"

    def page(self, request: HttpRequest, row: Promotion) -> Mapping[str, Any]:
        newest, object_id = newest_decision(row.world_id), f"{row.world_id}/{row.strategy_id}"
        entries = AuditEntry.objects.filter(stream=row.world_id, object_type="promotion", object_id=object_id)
        return {
            "promotion": row,
            "candidate": candidate_in(row),
            "is_newest": newest is not None and newest.pk == row.decision_id,
            "barred": self.barred(request, row) if row.state == Promotion.State.PENDING else "",
            "why_url": explained(row.decision, row.strategy_id),
            "gates_url": named_url("strategies.gateauthority", row.world_id),
            "ladder_url": named_url("evaluation.evaluationturn", row.world_id),
            "applies": applies_of_promotion(row),
            "entries": entries.order_by("-sequence")[:ENTRIES],
        }

    # --- doors ------------------------------------------------------------------------------------------
    def has_decide_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        promotion = self.find(request, object_id)
        return promotion is not None and admits(request, DECIDE, promotion.world_id)

    def closed_doors(self, row: Promotion) -> Collection[str]:
        return set() if row.state == Promotion.State.PENDING else {"approve", "reject"}

    def open_doors(self, request: HttpRequest, row: Promotion) -> list[Any]:
        return [] if self.barred(request, row) else super().open_doors(request, row)

    def barred(self, request: HttpRequest, row: Promotion) -> str:
        """Why whoever looks at it may not decide, in the use case's own words; empty where he may."""
        try:
            require_approver(row.world, row, actor_of_admin(request, row.world_id))
        except Refusal as refused:
            return words_of(refused)
        return ""

    @door(
        "Approve", needs="decide", submit="Approve", icon="check", variant=ActionVariant.PRIMARY,
        says="Lets it go live. The newest decision, the world and your roles are checked again. The driver then "
             "applies it at once: its gate opens when everybody who holds it has answered.",
    )  # fmt: skip
    def approve(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        return self.decide(request, form, object_id, services.approve_promotion, "approved")

    @door(
        "Reject", needs="decide", submit="Reject", icon="close", variant=ActionVariant.DANGER,
        says="It stays where it is. The next decision that asks for it makes a new promotion.",
    )  # fmt: skip
    def reject(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        return self.decide(request, form, object_id, services.reject_promotion, "rejected")

    def decide(
        self,
        request: HttpRequest,
        form: Any,
        object_id: str,
        use_case: Callable[..., Promotion],
        became: str,
    ) -> HttpResponse:
        promotion = self.seen(request, object_id)

        def change() -> Promotion:
            return use_case(
                world_id=promotion.world_id,
                promotion_id=promotion.pk,
                reason=form.cleaned_data["reason"],
                actor=actor_of_admin(request, promotion.world_id),
            )

        done = f"The promotion of {promotion.strategy_id} in {promotion.world_id} is {became}."
        return pass_through(request, change, done=done, back=url_of(promotion))


def applies_of_promotion(promotion: Promotion) -> list[Apply]:
    """Of its decision, those that open its gate; the newest first."""
    rows = Apply.objects.filter(world=promotion.world_id, decision_id=promotion.decision.decision_id)
    found = rows.order_by("-created_at", "-id")[:ENTRIES]
    return [row for row in found if opens(row, promotion.strategy_id)]


def opens(apply: Apply, strategy_id: str) -> bool:
    return any(opening["strategy_id"] == strategy_id for opening in apply.plan["openings"])


def candidate_in(promotion: Promotion) -> dict[str, Any] | None:
    """What its decision said about it."""
    candidates = orjson.loads(bytes(promotion.decision.document))["candidates"]
    found: list[dict[str, Any]] = [c for c in candidates if c["strategy_id"] == promotion.strategy_id]
    return found[0] if found else None
