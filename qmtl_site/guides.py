"""The page that the `type` of every problem document points to."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe


@require_safe
def error_guide(request: HttpRequest) -> HttpResponse:
    """Every error code with what it means, as written in docs/errors.md (generated from the code)."""
    text = (settings.BASE_DIR / "docs" / "errors.md").read_text(encoding="utf-8")
    return HttpResponse(text, content_type="text/markdown; charset=utf-8")
