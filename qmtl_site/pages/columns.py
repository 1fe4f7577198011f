"""Columns of lists and lines of forms: moments in UTC, figures to the right, badges, links."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince, timeuntil
from unfold.decorators import display

from qmtl_site.pages.badge import badge

Column = Callable[[Any, Any], Any]
F = TypeVar("F", bound=Callable[..., Any])


def column(title: str, *, ordering: str | None = None) -> Callable[[F], F]:
    """A method as a column; the theme's decorator with types."""
    return display(description=title, ordering=ordering)


def when(moment: datetime | None) -> SafeString:
    """The moment in UTC; how long ago it was, or how soon it will be, on hovering."""
    if moment is None:
        return SafeString("–")
    return format_html(
        '<time class="q-when" datetime="{}" title="{}">{}</time>',
        moment.isoformat(),
        f"in {timeuntil(moment)}" if moment > timezone.now() else f"{timesince(moment)} ago",
        f"{moment:%Y-%m-%d %H:%M}",
    )


def short(text: str, length: int = 12) -> SafeString:
    """A long id by its beginning; all of it on hovering."""
    if not text:
        return SafeString("–")
    return format_html('<code title="{}">{}</code>', text, text[:length])


def number(text: str) -> SafeString:
    return format_html('<span class="q-number">{}</span>', text)


def sentence(text: str, length: int = 240) -> SafeString:
    """A text that may be long, wrapped; where it is cut, more of it on hovering."""
    if not text:
        return SafeString("–")
    cut = text if len(text) <= length else text[:length].rstrip() + "…"
    return format_html('<span class="q-words" title="{}">{}</span>', text[:1000] if cut != text else "", cut)


def about(act: str, thing: str) -> SafeString:
    """An act over the thing that it was done to."""
    return format_html('{}<span class="q-object">{}</span>', act, thing)


def numbered(stream: str, sequence: int) -> SafeString:
    return format_html('<span class="q-when">{} #{}</span>', stream, sequence)


def moment(field: str, title: str) -> Column:
    @column(title, ordering=field)
    def shown(page: Any, row: Any) -> SafeString:
        return when(getattr(row, field))

    return shown


def state(path: str, title: str, *, ordering: str | None = None) -> Column:
    """A badge of what stands at `path` (a, or a.b where a may be absent)."""

    @column(title, ordering=ordering)
    def shown(page: Any, row: Any) -> SafeString:
        value = row
        for part in path.split("."):
            value = getattr(value, part, None)
        return badge(value)

    return shown
