"""Filters of lists that stay cheap on large tables: no list of all values is read to draw them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter, TextFilter

__all__ = ["ChoicesDropdownFilter", "among", "exact", "one_of"]


def exact(parameter: str, lookup: str, title: str = "") -> type[TextFilter]:
    """Filter by the whole text of a column: `?world=demo`."""

    class Exact(TextFilter):
        def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
            value = str(self.value() or "").replace("\0", "").strip()
            return queryset.filter(**{lookup: value}) if value else queryset

    Exact.title = title or parameter
    Exact.parameter_name = parameter
    return Exact


def one_of(parameter: str, lookup: str, choices: list[str], title: str = "") -> type[DropdownFilter]:
    """Filter by one of a few known words."""

    class OneOf(DropdownFilter):
        def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
            return [(choice, choice.replace("_", " ")) for choice in choices]

        def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
            value = self.value()
            return queryset.filter(**{lookup: value}) if value in choices else queryset

    OneOf.title = title or parameter
    OneOf.parameter_name = parameter
    return OneOf


def among(parameter: str, conditions: Mapping[str, Q]) -> type[DropdownFilter]:
    """Filter by one of a few conditions, each with its word."""

    class Among(DropdownFilter):
        def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
            return [(word, word) for word in conditions]

        def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
            return queryset.filter(conditions.get(self.value() or "", Q()))

    Among.title = Among.parameter_name = parameter
    return Among
