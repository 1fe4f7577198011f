"""Forms of subscriptions; what they mean is checked by the use cases."""

from __future__ import annotations

from django import forms
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from qmtl_site.outbox.models import Subscription

Text = UnfoldAdminTextInputWidget


class WhyForm(forms.Form):
    reason = forms.CharField(
        min_length=3,
        max_length=2000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="Kept in the audit, with your name.",
    )


class SubscriptionForm(WhyForm):
    """A new subscription."""

    name = forms.CharField(max_length=200, widget=Text())
    kind = forms.ChoiceField(choices=Subscription.Kind.choices, widget=UnfoldAdminSelectWidget())
    world = forms.CharField(
        required=False,
        max_length=128,
        widget=Text(),
        help_text="The world's id. Only a superuser leaves it empty: all worlds, and what belongs to none.",
    )
    types = forms.CharField(
        required=False,
        max_length=4000,
        widget=Text(),
        help_text="Separated by commas: decision.made, or a group like promotion.*; empty: all.",
    )
    target = forms.CharField(
        max_length=2000,
        widget=Text(attrs={"autocomplete": "off"}),
        help_text="A webhook's https:// address, or a service's (apprise): slack://…, mailtos://…. "
        "What is secret in it is not shown again.",
    )
    field_order = ("name", "kind", "world", "types", "target", "reason")

    def clean_types(self) -> list[str]:
        return [name for part in self.cleaned_data["types"].split(",") if (name := part.strip())]
