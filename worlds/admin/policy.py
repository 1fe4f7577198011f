"""The policy's pages: an editor that shows every fault at its line, the text as evidence, publishing."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

import orjson
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from unfold.enums import ActionVariant

from qmtl_site.accounts.access import roles
from qmtl_site.accounts.admin_actor import actor_of_admin, admits, worlds_admitting
from qmtl_site.accounts.models import Role
from qmtl_site.pages.columns import column, moment, short, state
from qmtl_site.pages.door import REFUSED, door, pass_through, words_of
from qmtl_site.pages.filters import exact, one_of
from qmtl_site.pages.panel import panels_on
from qmtl_site.pages.scope import list_url, url_of
from qmtl_site.pages.window import Window
from worlds import services
from worlds.admin.forms import PolicyForm, PublishForm
from worlds.admin.policy_text import Media, changed_lines, checked, starting_text
from worlds.models import PolicyVersion, World

# The same declarations as on the API's views.
WRITE = roles(Role.OWNER)
PUBLISH = roles(Role.OWNER, Role.RISK)
CHOICES_SHOWN = 500


@admin.register(PolicyVersion)
class PolicyVersionAdmin(Window):
    world_path = "world_id"
    page_template = "pages/policy.html"
    list_display = ("name", "world", "state_badge", "checksum", "created_by", "created", "activated")
    list_filter = (exact("world", "world_id"), one_of("state", "state", PolicyVersion.State.values))
    list_filter_submit = True
    search_fields = ("world__id__istartswith",)
    search_help_text = "World"
    list_select_related = ("text", "created_by", "world")
    ordering = ("-created_at", "-id")
    actions_detail: ClassVar = ["publish"]

    @column("Policy")
    def name(self, policy: PolicyVersion) -> str:
        return str(policy)

    state_badge = state("state", "State", ordering="state")
    created = moment("created_at", "Written")
    activated = moment("activated_at", "Activated")

    @column("Checksum")
    def checksum(self, policy: PolicyVersion) -> SafeString:
        return short(policy.text.checksum)

    def get_queryset(self, request: HttpRequest) -> QuerySet[PolicyVersion]:
        return super().get_queryset(request).select_related("text", "created_by", "activated_by", "world")

    def page(self, request: HttpRequest, row: PolicyVersion) -> Mapping[str, Any]:
        active = (
            PolicyVersion.objects.filter(world_id=row.world_id, state="active").select_related("text").first()
        )
        canonical = orjson.dumps(orjson.loads(row.text.canonical), option=orjson.OPT_INDENT_2).decode()
        return {
            "policy": row,
            "lines": row.text.source.splitlines(),
            "canonical": canonical,
            "active": active,
            "changes": [] if active is None or active.pk == row.pk else changed_lines(active, row),
            "audit_url": list_url(
                "audit.auditentry", object=f"{row.world_id}/{row.version}", stream=row.world_id
            ),
            "may_write": admits(request, WRITE, row.world_id) and not row.world.is_retired,
            "panels": panels_on("worlds.policyversion", request, row),
        }

    # --- publishing -------------------------------------------------------------------------------------
    def has_publish_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        policy = self.find(request, object_id)
        request.policy_of_dialog = policy  # type: ignore[attr-defined]
        return policy is not None and admits(request, PUBLISH, policy.world_id)

    def closed_doors(self, row: PolicyVersion) -> Collection[str]:
        return {"publish"} if row.state == PolicyVersion.State.ACTIVE or row.world.is_retired else set()

    @door(
        "Publish", needs="publish", submit="Publish", form=PublishForm, icon="publish",
        variant=ActionVariant.PRIMARY,
        says="This version becomes the active one; the present one is deprecated. An older version is a rollback.",
    )  # fmt: skip
    def publish(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        policy = self.seen(request, object_id)

        def change() -> PolicyVersion:
            return services.publish_policy(
                world_id=policy.world_id,
                version=policy.version,
                actor=actor_of_admin(request, policy.world_id),
                reason=form.cleaned_data["reason"],
            )

        return pass_through(request, change, done=f"{policy} is the active policy.", back=url_of(policy))

    # --- writing ----------------------------------------------------------------------------------------
    def has_add_permission(self, request: HttpRequest) -> bool:
        return admits(request, WRITE, None)

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        world_id = request.POST.get("world") or request.GET.get("world") or ""
        if not world_id:
            return self.render(
                request, "pages/policy_world.html", title="New policy", worlds=self.worlds(request)
            )
        world = World.objects.filter(pk=world_id.replace("\0", "")).first()
        if world is None or not admits(request, WRITE, world.pk):
            raise PermissionDenied
        if request.method == "POST":
            return self.write(request, world)
        return self.editor(request, world, PolicyForm(initial=starting_text(world)), [])

    def worlds(self, request: HttpRequest) -> QuerySet[World]:
        """The newest worlds whose policy one may write."""
        rows, admitted = (
            World.objects.exclude(state="RETIRED").order_by("-created_at"),
            worlds_admitting(request, WRITE),
        )
        return (rows if admitted is None else rows.filter(pk__in=admitted))[:CHOICES_SHOWN]

    def write(self, request: HttpRequest, world: World) -> HttpResponse:
        form = PolicyForm(request.POST)
        if not form.is_valid():
            return self.editor(request, world, form, [])
        media, source = form.cleaned_data["language"], form.cleaned_data["source"]
        if faults := checked(source, media)["faults"]:
            return self.editor(request, world, form, faults)
        actor = actor_of_admin(request, world.pk)
        try:
            policy = services.write_policy(
                world_id=world.pk, source=source, media=media, actor=actor, publish=False
            )
        except REFUSED as error:
            messages.error(request, words_of(error))
            return self.editor(request, world, form, [])
        messages.success(request, f"{policy} is kept as a draft. It decides nothing until it is published.")
        return HttpResponseRedirect(url_of(policy))

    def editor(
        self, request: HttpRequest, world: World, form: PolicyForm, faults: list[dict[str, Any]]
    ) -> HttpResponse:
        response = self.render(
            request,
            "pages/policy_editor.html",
            title=f"New policy of {world}",
            world=world,
            form=form,
            faults=faults,
            check_url=reverse("admin:worlds_policyversion_check"),
            back=url_of(world),
            panels=panels_on("worlds.policyversion.editor", request, world),
        )
        response.status_code = 422 if faults else 200
        return response

    def get_urls(self) -> list[URLPattern]:
        check = self.admin_site.admin_view(self.check_view)
        return [path("check/", check, name="worlds_policyversion_check"), *super().get_urls()]

    def check_view(self, request: HttpRequest) -> HttpResponse:
        """The faults of a text while it is being written, or what it is without any. Changes nothing."""
        if request.method != "POST" or not self.has_add_permission(request):
            raise PermissionDenied
        media: Media = "json" if request.POST.get("language") == "json" else "yaml"
        source = request.POST.get("source", "").replace("\r\n", "\n")
        return JsonResponse(checked(source, media, self.written_for(request)))

    def written_for(self, request: HttpRequest) -> World | None:
        """The world of the text, where one may write its policy: nobody else learns what versions it has."""
        world_id = request.POST.get("world", "").replace("\0", "")
        return World.objects.filter(pk=world_id).first() if admits(request, WRITE, world_id) else None
