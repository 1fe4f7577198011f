"""How figures read."""

from __future__ import annotations

import pytest

from qmtl_site.pages.badge import badge
from qmtl_site.pages.figures import MISSING, figure, metric_figure


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.12345, "fraction", "12.35 %"),
        (-0.5, "fraction per year", "-50.00 %"),
        (1.5, "ratio per year", "1.50"),
        (-0.0001, "ratio", "0.00"),
        (0.98765, "probability", "0.988"),
        (12345, "count", "12,345"),
        (12345.678, "currency", "12,345.68"),
        (1.0, "boolean", "yes"),
        (None, "ratio", MISSING),
        ([], "", MISSING),
        (["a", "b"], "", "a, b"),
        ("text", "", "text"),
        (0.00012345, "", "0.0001234"),
    ],
)
def test_figures_have_the_form_of_their_unit(value: object, unit: str, text: str) -> None:
    assert figure(value, unit) == text


def test_the_catalogue_gives_the_unit() -> None:
    assert metric_figure("returns.max_drawdown", -0.25) == "-25.00 %"


def test_badges_escape_what_they_show() -> None:
    assert badge("<b>") == '<span class="q-badge q-mute">&lt;b&gt;</span>'
