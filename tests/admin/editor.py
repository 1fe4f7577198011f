"""The editor of policies in a browser, with a text to write into it."""

from __future__ import annotations

from playwright.sync_api import Page, expect

EDITOR = "/admin/worlds/policyversion/add/?world=alpha"
# Nobody has such a Sharpe ratio: who was to be promoted is not.
TEXT = """version: 1
validation_profiles:
  backtest:
    performance: {sharpe_mim: 0.5, max_dd_max: 0.4, gain_to_pain_min: null}
  paper:
    performance: {sharpe_min: 99, max_dd_max: 0.4, gain_to_pain_min: null}
selection: {gates: "sharpe >= 99"}
"""


def mended(page: Page) -> None:
    page.goto(EDITOR)
    page.select_option("#id_language", "yaml")
    page.fill("#policy-source", TEXT.replace("sharpe_mim", "sharpe_min"))
    expect(page.locator("#policy-checked")).to_contain_text("It validates: checksum")
