"""Panels of a page that upper apps add: the world's page shows bindings and runs without knowing them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.safestring import SafeString


@dataclass(frozen=True)
class Panel:
    """One panel. `wide`: over the whole width; else two stand beside each other where there is room."""

    title: str
    template: str
    context: Mapping[str, Any] = field(default_factory=dict)
    link: str = ""
    link_text: str = "All"
    wide: bool = True


@dataclass(frozen=True)
class Shown:
    panel: Panel
    html: SafeString


Maker = Callable[[HttpRequest, Any], Panel | None]
_makers: dict[str, list[tuple[int, Maker]]] = defaultdict(list)


def panel_on(page: str, *, place: int) -> Callable[[Maker], Maker]:
    """Register a function from (request, row) to a panel of a page, named as `app.model`; `place` orders them."""

    def add(maker: Maker) -> Maker:
        _makers[page].append((place, maker))
        _makers[page].sort(key=lambda pair: pair[0])
        return maker

    return add


def panels_on(page: str, request: HttpRequest, row: Any) -> list[Shown]:
    """The page's panels, in order; a maker that gives None has nothing to show."""
    made = [panel for _, maker in _makers[page] if (panel := maker(request, row)) is not None]
    return [Shown(p, render_to_string(p.template, {**p.context, "row": row}, request)) for p in made]
