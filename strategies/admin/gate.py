"""One gate: what it is told, what shuts it and for how long, its history, and the doors that move it by hand."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminDecimalFieldWidget

from qmtl_site.accounts.access import roles
from qmtl_site.accounts.admin_actor import actor_of_admin, admits
from qmtl_site.accounts.models import Role
from qmtl_site.pages.badge import badge
from qmtl_site.pages.columns import about, column, moment, number, sentence
from qmtl_site.pages.door import ReasonForm, door, pass_through
from qmtl_site.pages.filters import exact, one_of
from qmtl_site.pages.scope import list_url, named_url, url_of, visible
from qmtl_site.pages.window import Window
from strategies import services
from strategies.admin.gates_page import gate_row
from strategies.domain.standings import STANDINGS, told_to_be
from strategies.models import Activation, ActivationRecord, Binding
from strategies.selectors import gate_documents
from strategies.selectors.shown import holders, listed_gates, objections, why_not

# The same declaration as on the API's view.
MOVE = roles(Role.OPERATOR)
HISTORY = 50


class UnchangedForm(ReasonForm):
    """Moves a gate only as it was seen: what somebody else has told it meanwhile is not overwritten."""

    etag = forms.CharField(required=False, widget=forms.HiddenInput())

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.gate: Activation | None = getattr(self.request, "gate_of_dialog", None)
        if self.gate is not None and not self.is_bound:
            self.fields["etag"].initial = etag_of(self.gate)


class WeightForm(UnchangedForm):
    weight = forms.FloatField(
        min_value=0.0,
        max_value=1.0,
        widget=UnfoldAdminDecimalFieldWidget(),
        help_text="Fraction of the capital, from 0 to 1. The next decision may set it anew.",
    )
    field_order = ("weight", "reason")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.gate is not None:
            self.fields["weight"].initial = self.gate.weight


def told_then(record: ActivationRecord) -> tuple[ActivationRecord, str, str]:
    """What it was told, in a word, and with which weight."""
    return record, told_to_be(record.active, record.freeze), f"{100 * record.weight:.1f} %"


def etag_of(gate: Activation) -> str:
    binding = gate.binding
    return str(gate_documents(binding.world_id, strategy_id=binding.strategy_id)[0]["etag"])


@admin.register(Activation)
class GateAdmin(Window):
    world_path = "binding__world_id"
    page_template = "pages/gate.html"
    list_display = ("strategy", "world", "standing_badge", "shut_by", "figure_weight", "told", "since")  # fmt: skip
    list_filter = (
        exact("world", "binding__world_id"),
        one_of("gate", "standing", list(STANDINGS)),
        one_of("state", "binding__state", Binding.State.values),
        exact("strategy", "binding__strategy_id"),
    )
    list_filter_submit = True
    search_fields = ("binding__strategy__id__istartswith",)
    search_help_text = "Strategy"
    ordering = ("-changed_at", "-binding_id")
    actions_detail: ClassVar = ["close_gate", "reopen_gate", "set_weight"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return visible(request, listed_gates(), self.world_path)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        context = {**(extra_context or {}), "title": "Gates"}
        response: HttpResponse = super().changelist_view(request, context)
        return response

    since = moment("changed_at", "Told since")

    @column("Strategy", ordering="binding__strategy_id")
    def strategy(self, gate: Activation) -> str:
        return gate.binding.strategy_id

    @column("World", ordering="binding__world_id")
    def world(self, gate: Activation) -> str:
        return gate.binding.world_id

    @column("Gate", ordering="standing")
    def standing_badge(self, gate: Any) -> SafeString:
        return badge(gate.standing)

    @column("What shuts it")
    def shut_by(self, gate: Activation) -> SafeString:
        return sentence("; ".join(why_not(gate)))

    @column("Weight", ordering="weight")
    def figure_weight(self, gate: Activation) -> SafeString:
        return number(f"{100 * gate.weight:.1f} %")

    @column("Told by")
    def told(self, gate: Any) -> SafeString:
        return about(gate.told_by or "–", gate.told_why or "")

    def page(self, request: HttpRequest, row: Activation) -> Mapping[str, Any]:
        binding, world = row.binding, row.binding.world
        held = holders(world.pk, [binding.strategy_id]).get(binding.strategy_id, [])
        history = ActivationRecord.objects.filter(binding=binding).order_by("-changed_at", "-id")
        return {
            "title": f"Gate of {binding.strategy_id}",
            "original": binding,
            "binding": binding,
            "world": world,
            "row": gate_row(row, held, may=False),
            "objections": objections(world, 0),
            "history": [told_then(each) for each in history[:HISTORY]],
            "history_url": list_url(
                "strategies.activationrecord", world=world.pk, strategy=binding.strategy_id
            ),
            "gates_url": named_url("strategies.gateauthority", world.pk),
        }

    # --- doors ------------------------------------------------------------------------------------------
    def has_move_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        gate = self.find(request, object_id)
        request.gate_of_dialog = gate  # type: ignore[attr-defined]
        return gate is not None and admits(request, MOVE, gate.binding.world_id)

    def closed_doors(self, row: Activation) -> Collection[str]:
        if row.binding.state != Binding.State.LIVE or row.binding.world.is_retired:
            return {"close_gate", "reopen_gate", "set_weight"}
        return {"reopen_gate" if row.active else "close_gate"}

    @door(
        "Close gate", needs="move", submit="Close", icon="lock", variant=ActionVariant.DANGER,
        says="No order that opens a position passes from now on; positions may still be reduced. The strategy stays "
             "live. Nothing opens the gate again but you, or a decision that is applied.",
    )  # fmt: skip
    def close_gate(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        # Whatever was seen: closing is always possible.
        return self.move(request, object_id, form, "is closed", active=False, matches=False)

    @door(
        "Re-open gate", needs="move", submit="Re-open", icon="lock_open", form=UnchangedForm,
        variant=ActionVariant.PRIMARY,
        says="Lets real orders pass again, with the weight that it has. What speaks against any opening in the world "
             "speaks against this.",
    )  # fmt: skip
    def reopen_gate(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        return self.move(request, object_id, form, "is told to be open", active=True)

    @door("Set weight", needs="move", submit="Set weight", icon="scale", form=WeightForm)
    def set_weight(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        weight = form.cleaned_data["weight"]
        return self.move(request, object_id, form, f"has the weight {100 * weight:.4g} %", weight=weight)

    def move(
        self,
        request: HttpRequest,
        object_id: str,
        form: Any,
        became: str,
        *,
        active: bool | None = None,
        weight: float | None = None,
        matches: bool = True,
    ) -> HttpResponse:
        gate = self.seen(request, object_id)
        binding, given = gate.binding, form.cleaned_data

        def change() -> Mapping[str, Any]:
            return services.set_gate(
                world_id=binding.world_id,
                strategy_id=binding.strategy_id,
                active=active,
                weight=weight,
                side=None,
                reason=given["reason"],
                actor=actor_of_admin(request, binding.world_id),
                headers={"If-Match": f'"{given["etag"]}"'} if matches and given.get("etag") else {},
            )

        from_world = request.GET.get("from") == "world"
        back = named_url("strategies.gateauthority", binding.world_id) if from_world else url_of(gate)
        return pass_through(request, change, done=f"The gate of {binding.strategy_id} {became}.", back=back)
