"""Tags of the admin's pages."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import template
from django.db.models import Model
from django.utils.safestring import SafeString

from qmtl_site.pages import badge as badges
from qmtl_site.pages import columns, figures, scope, words

register = template.Library()


@register.filter
def badge(value: Any, tone: str = "") -> SafeString:
    return badges.badge(value, tone)


@register.filter
def when(moment: datetime | None) -> SafeString:
    return columns.when(moment)


@register.filter
def metric(value: Any, dotted: str) -> str:
    """A figure in the unit that the catalogue gives it."""
    return figures.metric_figure(dotted, value)


@register.filter
def happened(details: str) -> SafeString:
    """The details of an audit entry in words."""
    return columns.sentence(words.happened(details))


@register.filter
def sentence(text: str) -> SafeString:
    return columns.sentence(text)


@register.filter
def page_of(row: Model | None) -> str:
    return "" if row is None else scope.url_of(row)


@register.filter
def short(text: str) -> SafeString:
    return columns.short(text)
