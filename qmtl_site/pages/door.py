"""Dialogs that call one use case: asked for on GET, done on POST with CSRF, refused with a message."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django_fsm import TransitionNotAllowed
from pydantic import ValidationError
from unfold.decorators import action
from unfold.enums import ActionVariant
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminTextareaWidget

from qmtl_site.http.problems import refusal_of
from qmtl_site.http.refusals import Refusal

Done = TypeVar("Done")
REFUSED = (Refusal, TransitionNotAllowed, ValidationError)


class ReasonForm(BaseDialogForm):
    """Why something is done. Bounds are those of the API."""

    reason = forms.CharField(
        min_length=3,
        max_length=2000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="Kept in the audit, with your name.",
    )


class ConfirmForm(BaseDialogForm):
    """Nothing to fill in: a dialog that only asks whether one is sure."""


def door(
    title: str,
    *,
    needs: str,
    submit: str,
    says: str = "",
    form: type[BaseDialogForm] = ReasonForm,
    icon: str | None = None,
    variant: ActionVariant = ActionVariant.DEFAULT,
) -> Callable[[Callable[..., HttpResponse]], Any]:
    """A ModelAdmin method as a dialog; `needs` names the `has_<needs>_permission` that is asked with the row's key."""
    dialog = {"title": title, "description": says, "form_class": form, "form_submit_text": submit}
    return action(description=title, permissions=[needs], dialog=dialog, icon=icon, variant=variant)


def opens_page(
    title: str, *, needs: str, path: str, icon: str
) -> Callable[[Callable[..., HttpResponse]], Any]:
    """A ModelAdmin method that is a page of its own, with a form that changes on POST."""
    return action(description=title, permissions=[needs], url_path=path, icon=icon)


def pass_through(
    request: HttpRequest,
    change: Callable[[], Done],
    *,
    done: str | Callable[[Done], str],
    back: str,
    on: Callable[[Done], str] | None = None,
) -> HttpResponse:
    """Call a use case, say what became of it (`done`: in words of its own, or of its answer), and go back.

    `on`: where to go with its answer, if not back.
    """
    try:
        answer = change()
    except REFUSED as error:
        messages.error(request, words_of(error))
        return go(request, back)
    messages.success(request, done if isinstance(done, str) else done(answer))
    return go(request, back if on is None else on(answer))


def refuse_into(form: forms.Form, error: BaseException) -> None:
    """A refusal beside the fields that it is about."""
    refused = refusal_of(error)
    if not refused.faults:
        form.add_error(None, words_of(error))
    for fault in refused.faults:
        name = fault.pointer.lstrip("/").partition("/")[0]
        form.add_error(name if name in form.fields else None, fault.detail)


def words_of(error: BaseException) -> str:
    refused = refusal_of(error)
    return f"{refused.detail} ({refused.code})"


def go(request: HttpRequest, url: str) -> HttpResponse:
    """Dialogs are posted by htmx, which follows a header; without scripts by the browser."""
    if request.headers.get("HX-Request"):
        return HttpResponse(headers={"HX-Redirect": url})
    return HttpResponseRedirect(url)
