"""Forms of the world's and policy's pages; what they mean is checked by the use cases."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from qmtl_site.pages.door import ReasonForm
from qmtl_site.pages.panel import panels_on
from worlds.models import PolicyVersion, World
from worlds.services import FROZEN_FIGURES

Text = UnfoldAdminTextInputWidget


class StateForm(ReasonForm):
    """Offers the states that are open from the present one; any other is refused by the use case, in words."""

    state = forms.ChoiceField(
        label="New state", choices=World.State.choices, widget=UnfoldAdminSelectWidget()
    )
    field_order = ("state", "reason")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        world: World | None = getattr(self.request, "world_of_dialog", None)
        if world is not None:
            field = self.fields["state"]
            field.widget.choices = open_states(world)
            field.help_text = f"{world.id} is {world.get_state_display()}."


def open_states(world: World) -> list[tuple[str, str]]:
    """The transitions open from here: where they lead, and what they mean."""
    transitions = world.get_available_state_transitions()  # type: ignore[attr-defined]
    return [(str(t.target), f"{World.State(t.target).label}: {told(t)}") for t in transitions]


def told(transition: Any) -> str:
    words = str(transition.method.__doc__ or transition.name).strip().rstrip(".")
    return words[:1].lower() + words[1:]


class PublishForm(ReasonForm):
    """Asks why, below what upper apps say about publishing it."""

    form_before_template = "pages/publish.html"

    def get_before_template_context(self, request: HttpRequest, object_id: Any = None) -> dict[str, Any]:
        policy: PolicyVersion | None = getattr(request, "policy_of_dialog", None)
        return {
            "panels": [] if policy is None else panels_on("worlds.policyversion.publish", request, policy)
        }


class SettingsForm(forms.Form):
    """The plain settings of a world."""

    name = forms.CharField(max_length=200, widget=Text())
    description = forms.CharField(
        required=False, max_length=20_000, widget=UnfoldAdminTextareaWidget(attrs={"rows": 3})
    )
    labels = forms.CharField(required=False, widget=Text(), help_text="Separated by commas.")
    owner = forms.CharField(required=False, max_length=150, widget=Text(), help_text="User name.")
    allow_live = forms.BooleanField(
        required=False,
        widget=UnfoldBooleanSwitchWidget(),
        help_text="Without it no gate of this world ever opens for real orders.",
    )
    periods_per_year = forms.FloatField(widget=UnfoldAdminDecimalFieldWidget(), initial=252)
    risk_free_rate = forms.FloatField(
        widget=UnfoldAdminDecimalFieldWidget(), initial=0, help_text="Fraction per year."
    )
    reference_capital = forms.DecimalField(
        max_digits=24, decimal_places=8, widget=UnfoldAdminDecimalFieldWidget(), initial=10_000
    )
    reference_currency = forms.CharField(max_length=12, widget=Text(), initial="USD")
    revision = forms.CharField(required=False, widget=forms.HiddenInput())

    def clean_labels(self) -> list[str]:
        return [label for part in self.cleaned_data["labels"].split(",") if (label := part.strip())]

    def freeze(self) -> None:
        """Figures that the first evaluated run has fixed are shown and not asked for."""
        for name in FROZEN_FIGURES:
            self.fields[name].disabled = True
            self.fields[name].help_text = "Fixed since the world's first run was evaluated."

    def changes(self) -> dict[str, Any]:
        """Only what was changed, so that the audit tells only that."""
        return {name: self.cleaned_data[name] for name in self.changed_data if name != "revision"}


class WorldForm(SettingsForm):
    """A new world."""

    id = forms.CharField(
        max_length=128, widget=Text(), help_text="Letters, digits, _ . and -; stays for ever."
    )
    field_order = ("id", "name")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].required = False
        self.fields["owner"].help_text = "User name; default: you."


def settings_of(world: World) -> dict[str, Any]:
    """A world as the form shows it."""
    shown = ("name", "description", "allow_live", "periods_per_year", "risk_free_rate", "reference_currency")
    return {
        **{name: getattr(world, name) for name in shown},
        "reference_capital": f"{world.reference_capital.normalize():f}",
        "labels": ", ".join(world.labels),
        "owner": world.owner.username,
        "revision": str(world.revision),
    }


class PolicyForm(forms.Form):
    """A policy's text: kept as it is written, so nothing of it is stripped."""

    # Not `media`: that is what a form calls its scripts.
    language = forms.ChoiceField(
        choices=[("yaml", "YAML"), ("json", "JSON")], widget=UnfoldAdminSelectWidget(), label="Written in"
    )
    source = forms.CharField(strip=False, label="Policy")

    def clean_source(self) -> str:
        # Browsers send every line break as CR LF.
        return str(self.cleaned_data["source"]).replace("\r\n", "\n")
