"""Read-only admin pages: a window onto rows. What changes them are doors (`door.py`)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

from django.contrib.admin import ShowFacets
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from unfold.admin import ModelAdmin
from unfold.paginator import InfinitePaginator

from qmtl_site.pages.scope import is_superuser, roles_by_world, visible


class Window(ModelAdmin):
    """Shows rows of the worlds in which one has a role, and changes none.

    `world_path` leads from a row to its world's id (None: superusers only). With a `page_template` a row has
    a page of its own, filled by `page`; else Django's form, with all fields as text. Lists never count.
    """

    world_path: ClassVar[str | None] = None
    page_template: ClassVar[str | None] = None
    actions = None
    paginator = InfinitePaginator
    show_full_result_count = False
    show_facets = ShowFacets.NEVER
    list_per_page = 50
    list_disable_select_all = True
    list_fullwidth = True

    def page(self, request: HttpRequest, row: Any) -> Mapping[str, Any]:
        """What the page template needs beside `original` and `title`."""
        return {}

    # --- who sees what ----------------------------------------------------------------------------------
    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return visible(request, super().get_queryset(request), self.world_path)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if is_superuser(request):
            return True
        if self.world_path is None:
            return False
        held = roles_by_world(request)
        return bool(held) if obj is None else self.world_of(obj) in held

    def world_of(self, row: Any) -> str:
        value: Any = row
        for part in (self.world_path or "").split("__"):
            value = getattr(value, part)
        return str(value)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    # --- a row's page -----------------------------------------------------------------------------------
    def find(self, request: HttpRequest, object_id: Any) -> Any:
        """The row of a URL, read once per request. The theme's links do not quote keys as Django's do."""
        found: dict[str, Any] = request.__dict__.setdefault("rows_found", {})
        name, key = f"{self.opts.label_lower}:{object_id}", str(object_id)
        if "\0" in unquote(key):
            return None
        if name not in found:
            found[name] = self.get_object(request, unquote(key)) or self.get_object(request, key)
        return found[name]

    def seen(self, request: HttpRequest, object_id: str) -> Any:
        """The row, or PermissionDenied where there is none that one may see."""
        row = self.find(request, object_id)
        if row is None or not self.has_view_permission(request, row):
            raise PermissionDenied
        return row

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        if self.page_template is None:
            return super().change_view(request, object_id, form_url, extra_context)
        if request.method not in {"GET", "HEAD"}:
            raise PermissionDenied
        row = self.find(request, object_id)
        if row is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        if not self.has_view_permission(request, row):
            raise PermissionDenied
        doors = self._get_actions_navigation(
            self.actions_detail, self.open_doors(request, row), quote(row.pk)
        )
        context = {"title": str(row), "original": row, "actions_detail": doors, **self.page(request, row)}
        return self.render(request, self.page_template, **context)

    def open_doors(self, request: HttpRequest, row: Any) -> list[Any]:
        """The actions that one may do and that the row's state has; a stale dialog is refused by its use case."""
        closed = {f"{self.opts.app_label}_{self.opts.model_name}_{name}" for name in self.closed_doors(row)}
        found = self.get_actions_detail(request, quote(row.pk))
        return [each for each in found if each.action_name not in closed]

    def closed_doors(self, row: Any) -> Collection[str]:
        """Names of the actions that the row's state does not have."""
        return ()

    def render(self, request: HttpRequest, template: str, **context: Any) -> TemplateResponse:
        """A page of this model in the admin's frame."""
        request.current_app = self.admin_site.name
        frame = {**self.admin_site.each_context(request), "opts": self.opts, "model_admin": self}
        return TemplateResponse(request, template, {**frame, **context})
