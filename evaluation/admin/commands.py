"""Commands by hand on a strategy's page in a world: doors on a page that belongs to strategies, which knows none."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from unfold.enums import ActionVariant

from evaluation import services
from qmtl_site.accounts.access import roles
from qmtl_site.accounts.admin_actor import actor_of_admin, admits
from qmtl_site.accounts.models import Role
from qmtl_site.pages.door import ReasonForm, door, pass_through
from qmtl_site.pages.scope import url_of
from strategies.models import Apply, Binding
from worlds.models import World

# Asked of the world in the body on the API; the same roles.
COMMAND = roles(Role.OPERATOR)
OPEN_IN = {
    "activate": {Binding.State.INACTIVE, Binding.State.DRY_RUN},
    "deactivate": {Binding.State.DRY_RUN, Binding.State.LIVE},
}
BindingPage: Any = type(admin.site.get_model_admin(Binding))
admin.site.unregister(Binding)


class CommandForm(ReasonForm):
    """Asks why, below what the command means for this strategy now."""

    form_before_template = "pages/command.html"

    def get_before_template_context(self, request: HttpRequest, object_id: Any = None) -> dict[str, Any]:
        binding: Binding | None = getattr(request, "binding_of_dialog", None)
        if binding is None:
            return {}
        is_activation = request.path.rstrip("/").endswith("/activate")
        return {"says": meaning(binding, is_activation), "is_paused": is_paused(binding)}


def meaning(binding: Binding, is_activation: bool) -> str:
    name, state = binding.strategy_id, binding.state
    if is_activation and state == Binding.State.INACTIVE:
        return f"{name} goes to dry run: it trades on paper and is evaluated for promotion."
    if is_activation:
        return (
            f"{name} goes live by an apply, whatever gates, score and counters say; its newest paper run must not "
            "fail, and there must be a place. Its gate opens when everybody who holds it has answered."
        )
    if state == Binding.State.LIVE:
        return f"The gate of {name} closes at once and for good; it becomes inactive."
    return f"{name} becomes inactive: it stops trading on paper."


def is_paused(binding: Binding) -> bool:
    return bool(binding.world.state == World.State.PAUSED)


@admin.register(Binding)
class CommandedBindingAdmin(BindingPage):  # type: ignore[misc]
    """The page as strategies has it, with these doors."""

    actions_detail: ClassVar = [*BindingPage.actions_detail, "activate", "deactivate"]

    def has_command_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        binding = self.find(request, object_id)
        request.binding_of_dialog = binding  # type: ignore[attr-defined]
        return binding is not None and admits(request, COMMAND, binding.world_id)

    def closed_doors(self, row: Binding) -> Collection[str]:
        if row.world.is_retired:
            return set(OPEN_IN)
        return {name for name, states in OPEN_IN.items() if row.state not in states}

    @door(
        "Activate", needs="command", submit="Activate", icon="play_circle", form=CommandForm,
        variant=ActionVariant.PRIMARY, says=services.WARNING,
    )  # fmt: skip
    def activate(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        return self.command(request, form, object_id, "activate")

    @door(
        "Deactivate", needs="command", submit="Deactivate", icon="stop_circle", form=CommandForm,
        variant=ActionVariant.DANGER, says=services.WARNING,
    )  # fmt: skip
    def deactivate(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        return self.command(request, form, object_id, "deactivate")

    def command(
        self, request: HttpRequest, form: Any, object_id: str, command: services.Command
    ) -> HttpResponse:
        binding = self.seen(request, object_id)

        def change() -> dict[str, Any]:
            return services.command_strategy(
                world_id=binding.world_id,
                strategy_id=binding.strategy_id,
                command=command,
                reason=form.cleaned_data["reason"],
                actor=actor_of_admin(request, binding.world_id),
            )

        back = url_of(binding)
        return pass_through(request, change, done=outcome, back=back, on=partial(leads_to, back=back))


def leads_to(answer: dict[str, Any], *, back: str) -> str:
    """The apply that was begun, else back."""
    if answer["run_id"] is None:
        return back
    return url_of(Apply.objects.get(world=answer["world_id"], run_id=answer["run_id"]))


def outcome(answer: dict[str, Any]) -> str:
    name, world = answer["strategy_id"], answer["world_id"]
    said = {
        "done": f"{name} is now {answer['state'].replace('_', ' ')} in {world}.",
        "queued": f"{world} is paused: the command about {name} waits until it resumes.",
        "applying": f"An apply does what the command about {name} asks for.",
    }
    return f"{said[answer['status']]} {answer['warning']}"
