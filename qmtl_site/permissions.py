"""The endpoint x role matrix, read off the views' declarations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.views import APIView

from qmtl_site.accounts.access import Access, Kind
from qmtl_site.accounts.models import Role

COLUMNS = ("no token", "token", *Role.values, "superuser")


@dataclass(frozen=True)
class Endpoint:
    method: str
    path: str
    access: Access
    view: type[APIView]

    def admits(self, column: str) -> bool:
        """Whether a caller of that column passes the door (a use case may still refuse, with a reason)."""
        if self.access.kind is Kind.PUBLIC or column == "superuser":
            return True
        if column == "no token":
            return False
        if self.access.kind is Kind.WORLD:
            return column in self.access.roles
        return self.access.kind is Kind.TOKEN

    @property
    def needs(self) -> str:
        return self.access.permission if self.access.kind is Kind.PERMISSION else self.access.kind.value


def endpoints(resolver: URLResolver | None = None, prefix: str = "") -> Iterator[Endpoint]:
    """Every method of every API view, in the order of the URLs."""
    for pattern in (resolver or get_resolver()).url_patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from endpoints(pattern, route)
        elif isinstance(pattern, URLPattern) and (view := api_view(pattern)) is not None:
            for method, access in view.access.items():
                yield Endpoint(method, f"/{route}", access, view)


def api_view(pattern: URLPattern) -> Any:
    view = getattr(pattern.callback, "view_class", None) or getattr(pattern.callback, "cls", None)
    return view if view is not None and issubclass(view, APIView) and hasattr(view, "access") else None
