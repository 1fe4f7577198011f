"""Users, groups, tokens and roles. Tokens and roles change through their use cases only."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.safestring import SafeString
from knox import admin as knox_admin  # noqa: F401  (registers the page that is replaced below)
from knox.models import AuthToken
from unfold.admin import ModelAdmin
from unfold.enums import ActionVariant
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from qmtl_site.accounts import services
from qmtl_site.accounts.access import roles
from qmtl_site.accounts.admin_actor import actor_of_admin, admits
from qmtl_site.accounts.models import Role, WorldRole
from qmtl_site.pages.badge import badge
from qmtl_site.pages.columns import column, moment
from qmtl_site.pages.door import REFUSED, ConfirmForm, door, pass_through, refuse_into
from qmtl_site.pages.filters import exact, one_of
from qmtl_site.pages.scope import is_superuser, list_url
from qmtl_site.pages.window import Window

GIVE = roles(Role.OWNER)

for model in (User, Group, AuthToken):
    admin.site.unregister(model)


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ModelAdmin):  # type: ignore[type-arg]
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    show_full_result_count = False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Whoever may change users must not be able to make himself more than he is."""
        fixed = () if is_superuser(request) else ("is_superuser", "groups", "user_permissions")
        return (*super().get_readonly_fields(request, obj), *fixed)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        others_superuser = obj is not None and obj.is_superuser and not is_superuser(request)
        return super().has_change_permission(request, obj) and not others_superuser


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, ModelAdmin):
    pass


class RoleForm(forms.Form):
    user = forms.CharField(max_length=150, widget=UnfoldAdminTextInputWidget(), help_text="User name.")
    world = forms.CharField(max_length=128, widget=UnfoldAdminTextInputWidget(), help_text="The world's id.")
    role = forms.ChoiceField(choices=Role.choices, widget=UnfoldAdminSelectWidget())

    def clean_user(self) -> User:
        user = User.objects.filter(username=self.cleaned_data["user"], is_active=True).first()
        if user is None:
            raise forms.ValidationError("There is no such user.")
        return user

    def clean_world(self) -> str:
        worlds = WorldRole._meta.get_field("world").related_model._default_manager  # type: ignore[union-attr]
        if not worlds.filter(pk=self.cleaned_data["world"]).exists():
            raise forms.ValidationError("There is no such world, or it is not yours.")
        return str(self.cleaned_data["world"])


@admin.register(WorldRole)
class WorldRoleAdmin(Window):
    world_path = "world_id"
    list_display = ("user", "world", "role_badge", "given")
    list_filter = (
        exact("world", "world_id"),
        exact("user", "user__username"),
        one_of("role", "role", Role.values),
    )
    list_filter_submit = True
    list_select_related = ("user", "world")
    search_fields = ("user__username__istartswith",)
    search_help_text = "User"
    ordering = ("-id",)
    fields: ClassVar = ["user", "world", "role", "given"]
    readonly_fields = fields
    actions_detail: ClassVar = ["take_away"]

    given = moment("created_at", "Given")

    @column("Role", ordering="role")
    def role_badge(self, held: WorldRole) -> SafeString:
        return badge(held.role, "info" if held.role in {Role.OWNER, Role.RISK} else "mute")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return admits(request, GIVE, None)

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = RoleForm(request.POST or None, initial={"world": request.GET.get("world", "")})
        if form.is_valid():
            user, world_id, role = (form.cleaned_data[name] for name in ("user", "world", "role"))
            if not admits(request, GIVE, world_id):
                form.add_error("world", "There is no such world, or it is not yours.")
            else:
                return self.grant(request, form, user, world_id, Role(role))
        back = list_url("accounts.worldrole")
        return self.render(request, "pages/form.html", title="Give a role", form=form, back=back)

    def grant(
        self, request: HttpRequest, form: RoleForm, user: User, world_id: str, role: Role
    ) -> HttpResponse:
        back = list_url("accounts.worldrole", world=world_id)
        try:
            services.grant_role(
                user=user, world_id=world_id, role=role, actor=actor_of_admin(request, world_id)
            )
        except REFUSED as error:
            refuse_into(form, error)
            return self.render(request, "pages/form.html", title="Give a role", form=form, back=back)
        messages.success(request, f"{user.username} is {role.value} of {world_id}.")
        return HttpResponseRedirect(back)

    def has_take_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        held = self.find(request, object_id)
        return held is not None and admits(request, GIVE, held.world_id)

    @door(
        "Take away", needs="take", submit="Take the role away", form=ConfirmForm, icon="person_remove",
        variant=ActionVariant.DANGER, says="It holds from the next request on.",
    )  # fmt: skip
    def take_away(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        held = self.seen(request, object_id)

        def change() -> None:
            services.revoke_role(
                user=held.user,
                world_id=held.world_id,
                role=Role(held.role),
                actor=actor_of_admin(request, held.world_id),
            )

        done = f"{held.user.username} is no longer {held.role} of {held.world_id}."
        return pass_through(
            request, change, done=done, back=list_url("accounts.worldrole", world=held.world_id)
        )


@admin.register(AuthToken)
class AuthTokenAdmin(Window):
    """Tokens by their first characters: the token itself is kept nowhere. People see their own."""

    list_display = ("token_key", "user", "issued", "expires", "validity")
    list_filter = (exact("user", "user__username"),)
    list_filter_submit = True
    search_fields = ("token_key__startswith", "user__username__istartswith")
    list_select_related = ("user",)
    ordering = ("-created",)
    fields: ClassVar = ["token_key", "user", "issued", "expires"]
    readonly_fields = fields
    actions_detail: ClassVar = ["revoke"]

    issued = moment("created", "Issued")
    expires = moment("expiry", "Expires")

    @column("State")
    def validity(self, token: Any) -> SafeString:
        expired = token.expiry is not None and token.expiry < timezone.now()
        return badge("expired" if expired else "active")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        tokens = AuthToken.objects.select_related("user")
        return tokens if is_superuser(request) else tokens.filter(user_id=request.user.pk)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is None or is_superuser(request) or obj.user_id == request.user.pk

    def has_revoke_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self.find(request, object_id) is not None

    @door(
        "Revoke", needs="revoke", submit="Revoke", form=ConfirmForm, icon="key_off",
        variant=ActionVariant.DANGER, says="The next request with this token is refused. There is no way back.",
    )  # fmt: skip
    def revoke(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        key = self.seen(request, object_id).token_key

        def change() -> None:
            services.revoke_token(token_key=key, actor=actor_of_admin(request))

        return pass_through(
            request, change, done=f"The token {key} is revoked.", back=list_url("knox.authtoken")
        )
