"""Where a world's orders go: a panel, and the form that sets it. Keys go in and are shown nowhere."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import orjson
from django import forms
from django.http import HttpRequest
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminPasswordWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from qmtl_site.accounts.access import roles
from qmtl_site.accounts.admin_actor import admits
from qmtl_site.accounts.models import Role
from qmtl_site.pages.panel import Panel, panel_on
from qmtl_site.pages.scope import named_url
from worlds.domain.broker import BrokerFields
from worlds.models import World
from worlds.selectors import broker_document, broker_settings

# The same declaration as on the API's view.
EDIT = roles(Role.OWNER)
ASKED_FOR = {
    "api_key": "apiKey",
    "secret": "secret",
    "password": "password",
    "uid": "uid",
    "wallet_address": "walletAddress",
    "private_key": "privateKey",
}
"""Fields of the form, and what ccxt calls them."""


def key_field(label: str, help_text: str = "") -> forms.CharField:
    widget = UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}, render_value=False)
    return forms.CharField(
        required=False, label=label, strip=False, max_length=8192, widget=widget, help_text=help_text
    )


class BrokerForm(forms.Form):
    """What the API takes, field by field; empty keys stay what they are."""

    kind = forms.ChoiceField(
        choices=[("paper", "Paper only"), ("ccxt", "An exchange, through ccxt")],
        widget=UnfoldAdminSelectWidget(),
        label="Live orders go to",
    )
    exchange = forms.CharField(
        required=False,
        max_length=64,
        widget=UnfoldAdminTextInputWidget(),
        help_text="As ccxt names it: binance, kraken, okx, ...",
    )
    sandbox = forms.BooleanField(
        required=False, widget=UnfoldBooleanSwitchWidget(), help_text="The exchange's own test network."
    )
    options = forms.CharField(
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text='JSON, handed to ccxt as it is: {"defaultType": "swap"}. No secrets.',
    )
    taker_bps = forms.DecimalField(
        required=False, widget=UnfoldAdminDecimalFieldWidget(), label="Paper: fee, basis points"
    )
    slippage_bps = forms.DecimalField(
        required=False, widget=UnfoldAdminDecimalFieldWidget(), label="Paper: slippage, basis points"
    )
    api_key = key_field("API key", "Keys only go in. Left empty, those that are kept stay.")
    secret = key_field("Secret")
    password = key_field("Passphrase")
    uid = key_field("Uid")
    wallet_address = key_field("Wallet address")
    private_key = key_field("Private key")
    forget = forms.BooleanField(
        required=False, widget=UnfoldBooleanSwitchWidget(), label="Forget the keys that are kept"
    )
    reason = forms.CharField(
        min_length=3,
        max_length=2000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text="Kept in the audit, with your name.",
    )
    revision = forms.CharField(required=False, widget=forms.HiddenInput())

    def clean_options(self) -> dict[str, Any]:
        text = str(self.cleaned_data["options"]).strip()
        if not text:
            return {}
        try:
            options = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            raise forms.ValidationError(f"This is no JSON: {error}") from None
        if not isinstance(options, dict):
            raise forms.ValidationError('Write an object: {"defaultType": "swap"}')
        return options

    def settings(self, paper: dict[str, Any]) -> BrokerFields:
        """As the API would have them; terms of paper that are not asked for here stay. ValidationError of pydantic."""
        given = self.cleaned_data
        keys = {name: given[field] for field, name in ASKED_FOR.items() if given[field]}
        terms = {name: given[name] or Decimal(0) for name in ("taker_bps", "slippage_bps")}
        document: dict[str, Any] = {
            "kind": given["kind"],
            "exchange": given["exchange"] or None,
            "sandbox": given["sandbox"],
            "options": given["options"],
            "paper": {**paper, **terms},
        }
        if keys or given["forget"]:
            document["credentials"] = keys or None
        return BrokerFields.model_validate(document)


def shown_settings(world: World) -> dict[str, Any]:
    """As the form shows them."""
    row = broker_settings(world.pk)
    told = broker_document(world.pk, row)
    return {
        **{name: told[name] for name in ("kind", "exchange", "sandbox")},
        "options": orjson.dumps(told["options"]).decode() if told["options"] else "",
        "taker_bps": told["paper"]["taker_bps"],
        "slippage_bps": told["paper"]["slippage_bps"],
        "revision": "0" if row is None else str(row.revision),
    }


@panel_on("worlds.world", place=45)
def broker_of_a_world(request: HttpRequest, world: World) -> Panel:
    told = broker_document(world.pk, broker_settings(world.pk))
    may = admits(request, EDIT, world.pk) and not world.is_retired
    link = named_url("worlds.world", world.pk, "set_broker") if may else ""
    return Panel(
        "Broker", "pages/panels/broker.html", {"broker": told}, link=link, link_text="Set", wide=False
    )
