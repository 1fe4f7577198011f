"""Who is told of events outside, and what they could not be told. Both change through their use cases only."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.enums import ActionVariant

from qmtl_site.accounts.access import roles
from qmtl_site.accounts.admin_actor import actor_of_admin, admits
from qmtl_site.accounts.models import Role
from qmtl_site.delivery import services
from qmtl_site.delivery.forms import SubscriptionForm, WhyForm
from qmtl_site.delivery.schemas import SubscriptionFields
from qmtl_site.outbox.models import DeadLetter, DeliveryCount, Subscription
from qmtl_site.pages.columns import about, column, moment, numbered, sentence, state, when
from qmtl_site.pages.door import REFUSED, door, opens_page, pass_through, refuse_into
from qmtl_site.pages.filters import exact, one_of
from qmtl_site.pages.scope import is_superuser, list_url, url_of
from qmtl_site.pages.window import Window

MANAGE = roles(Role.OPERATOR)
LETTERS = 20


class Managed(Window):
    """Rows of a world, changed by its operators; those of no world by superusers."""

    page_template = "pages/facts.html"

    def may_manage(self, request: HttpRequest, world_id: str) -> bool:
        return admits(request, MANAGE, world_id) if world_id else is_superuser(request)

    def has_manage_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        row = self.find(request, object_id)
        return row is not None and self.may_manage(request, self.world_of(row))


@admin.register(Subscription)
class SubscriptionAdmin(Managed):
    world_path = "stream"
    list_display = ("name", "kind", "world", "told_of", "where", "state_badge", "results", "created")
    list_filter = (
        exact("world", "stream"),
        one_of("kind", "kind", Subscription.Kind.values),
        one_of("state", "state", Subscription.State.values),
    )
    list_filter_submit = True
    search_fields = ("name__icontains",)
    search_help_text = "Name"
    ordering = ("-id",)
    actions_detail: ClassVar = ["pause", "resume", "replay_all", "change_secret", "remove"]

    created = moment("created_at", "Created")
    state_badge = state("state", "State", ordering="state")

    @column("World", ordering="stream")
    def world(self, row: Subscription) -> str:
        return row.stream or "all"

    @column("Told of")
    def told_of(self, row: Subscription) -> SafeString:
        return sentence(", ".join(row.types) or "everything")

    @column("Where")
    def where(self, row: Subscription) -> SafeString:
        return sentence(row.target, 80)

    @column("Deliveries")
    def results(self, row: Subscription) -> str:
        counts = DeliveryCount.objects.filter(consumer=row.consumer).order_by("result")
        return ", ".join(f"{each.count:,} {each.result}" for each in counts) or "none yet"

    def page(self, request: HttpRequest, row: Subscription) -> Mapping[str, Any]:
        facts = {
            "Kind": row.get_kind_display(),
            "World": self.world(row),
            "Told of": self.told_of(row),
            "Where": row.target,
            "Deliveries": self.results(row),
            "Created": when(row.created_at),
            "Created by": row.created_by,
        }
        return {
            "facts": facts.items(),
            "letters": row.dead_letters.order_by("-died_at", "-id")[:LETTERS],
            "letters_url": list_url("outbox.deadletter", subscription=row.pk),
        }

    # --- a new one --------------------------------------------------------------------------------------
    def has_add_permission(self, request: HttpRequest) -> bool:
        return admits(request, MANAGE, None)

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = SubscriptionForm(request.POST or None, initial={"world": request.GET.get("world", "")})
        if form.is_valid():
            if not self.may_manage(request, form.cleaned_data["world"]):
                form.add_error("world", "There is no such world, or it is not yours.")
            elif response := self.create(request, form):
                return response
        back = list_url("outbox.subscription")
        return self.render(request, "pages/form.html", title="New subscription", form=form, back=back)

    def create(self, request: HttpRequest, form: SubscriptionForm) -> HttpResponse | None:
        given = dict(form.cleaned_data)
        reason, world = given.pop("reason"), given["world"]
        try:
            fields = SubscriptionFields.model_validate(given)
            actor = actor_of_admin(request, world or None)
            row, secret = services.create_subscription(fields=fields, actor=actor, reason=reason)
        except REFUSED as error:
            refuse_into(form, error)
            return None
        return self.made(request, row, secret)

    def made(self, request: HttpRequest, row: Subscription, secret: str) -> HttpResponse:
        """The secret stands on the answer itself: in a message it would lie in a cookie or a session."""
        if not secret:
            messages.success(request, f"{row.name} is told from now on.")
            return HttpResponseRedirect(url_of(row))
        response = self.render(
            request, "pages/secret.html", title=row.name, original=row, secret=secret, back=url_of(row)
        )
        response["Cache-Control"] = "no-store"
        return response

    # --- doors ------------------------------------------------------------------------------------------
    def has_change_secret_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        row = self.find(request, object_id)
        return self.has_manage_permission(request, object_id) and row.kind == Subscription.Kind.WEBHOOK

    def closed_doors(self, row: Subscription) -> Collection[str]:
        active, paused = row.state == Subscription.State.ACTIVE, row.state == Subscription.State.PAUSED
        closed = {"resume"} if active else {"pause"}
        return closed if active or paused else {*self.actions_detail}

    def change(
        self, request: HttpRequest, form: Any, object_id: str, use_case: Callable[..., Any], done: str
    ) -> HttpResponse:
        row = self.seen(request, object_id)
        change = partial(
            use_case,
            subscription_id=row.pk,
            actor=actor_of_admin(request, row.stream or None),
            reason=form.cleaned_data["reason"],
        )
        return pass_through(request, change, done=f"{row.name}: {done}", back=url_of(row))

    @door("Pause", needs="manage", submit="Pause", icon="pause",
          says="What happens meanwhile is delivered when it is resumed.")  # fmt: skip
    def pause(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        return self.change(request, form, object_id, services.pause_subscription, "paused.")

    @door("Resume", needs="manage", submit="Resume", icon="play_arrow", says="It goes on where it stopped.")
    def resume(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        return self.change(request, form, object_id, services.resume_subscription, "resumed.")

    @door("Replay dead letters", needs="manage", submit="Replay all", icon="replay",
          says="All its dead letters are tried again, each up to five times.")  # fmt: skip
    def replay_all(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        return self.change(
            request, form, object_id, services.replay_dead_letters, "its dead letters are tried again."
        )

    @door("Remove", needs="manage", submit="Remove", icon="delete", variant=ActionVariant.DANGER,
          says="For good: nothing is delivered any more, and its secret is forgotten.")  # fmt: skip
    def remove(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        return self.change(request, form, object_id, services.remove_subscription, "removed.")

    @opens_page("New secret", needs="change_secret", path="secret", icon="key")
    def change_secret(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.seen(request, object_id)
        form = WhyForm(request.POST or None)
        if form.is_valid():
            try:
                _, secret = services.change_secret(
                    subscription_id=row.pk,
                    actor=actor_of_admin(request, row.stream or None),
                    reason=form.cleaned_data["reason"],
                )
            except REFUSED as error:
                refuse_into(form, error)
            else:
                return self.made(request, row, secret)
        title = f"New secret of {row.name}"
        return self.render(request, "pages/form.html", title=title, original=row, form=form, back=url_of(row))


@admin.register(DeadLetter)
class DeadLetterAdmin(Managed):
    """Events that somebody could not be told, after all tries. They belong to whom the subscription does."""

    world_path = "subscription__stream"

    list_display = ("died", "event", "kind", "subscription", "state_badge", "attempts", "why")
    list_display_links = ("died", "kind")
    list_filter = (
        exact("world", "stream"),
        exact("subscription", "subscription_id"),
        exact("type", "type"),
        one_of("state", "state", DeadLetter.State.values),
    )
    list_filter_submit = True
    list_select_related = ("subscription",)
    ordering = ("-died_at", "-id")
    actions_detail: ClassVar = ["replay"]

    died = moment("died_at", "Died")
    state_badge = state("state", "State", ordering="state")

    @column("Event")
    def event(self, letter: DeadLetter) -> SafeString:
        return numbered(letter.stream, letter.sequence)

    @column("Type")
    def kind(self, letter: DeadLetter) -> SafeString:
        return about(letter.type, f"{letter.stream}#{letter.sequence}")

    def page(self, request: HttpRequest, letter: DeadLetter) -> Mapping[str, Any]:
        link = format_html(
            '<a class="q-link" href="{}">{}</a>', url_of(letter.subscription), letter.subscription
        )
        facts = {
            "Subscription": link,
            "Event": self.event(letter),
            "Id": letter.event_id,
            "Type": letter.type,
            "Tries": letter.attempts,
            "Last error": letter.error,
            "Died": when(letter.died_at),
            "Next try": when(letter.retry_at),
            "Replays": letter.replays,
        }
        return {"facts": facts.items()}

    def closed_doors(self, letter: DeadLetter) -> Collection[str]:
        return () if letter.state == DeadLetter.State.DEAD else {"replay"}

    @column("Last error")
    def why(self, letter: DeadLetter) -> SafeString:
        return sentence(letter.error)

    @door("Replay", needs="manage", submit="Try it again", icon="replay",
          says="Up to five times, apart from later events: the receiver sees it out of its order.")  # fmt: skip
    def replay(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        letter = self.seen(request, object_id)
        change = partial(
            services.replay_dead_letters,
            subscription_id=letter.subscription_id,
            letter_id=letter.pk,
            actor=actor_of_admin(request, letter.subscription.stream or None),
            reason=form.cleaned_data["reason"],
        )
        return pass_through(request, change, done=f"{letter} is tried again.", back=url_of(letter))
