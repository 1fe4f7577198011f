"""Gate clients: who holds gates by a lease, and the door to end it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from unfold.enums import ActionVariant

from qmtl_site.accounts.admin_actor import actor_of_admin, admits
from qmtl_site.accounts.models import Role
from qmtl_site.audit.models import AuditEntry
from qmtl_site.pages.badge import badge
from qmtl_site.pages.columns import column, moment, sentence
from qmtl_site.pages.door import door, pass_through
from qmtl_site.pages.filters import among, exact
from qmtl_site.pages.scope import is_superuser, named_url, roles_in, url_of, visible
from qmtl_site.pages.window import Window
from strategies import services
from strategies.admin.gates_page import REVOKE, client_row, lease_of
from strategies.models import Binding, GateClient
from strategies.selectors.shown import listed_clients

NAMED = 4
ENTRIES = 20


LEASES = {
    "holds": Q(holds_lease=True),
    "ran out": Q(holds_lease=False, revoked_at=None),
    "revoked": Q(revoked_at__isnull=False),
}


@admin.register(GateClient)
class GateClientAdmin(Window):
    world_path = "world_id"
    page_template = "pages/gate_client.html"
    list_display = (
        "client_id",
        "world",
        "lease_badge",
        "left",
        "holds_gates",
        "user",
        "executor",
        "registered",
    )
    list_filter = (exact("world", "world_id"), among("lease", LEASES), exact("user", "user__username"))
    list_filter_submit = True
    search_fields = ("client_id__istartswith",)
    search_help_text = "Client"
    ordering = ("-registered_at", "-id")
    actions_detail: ClassVar = ["revoke"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return visible(request, listed_clients(), self.world_path)

    registered = moment("registered_at", "Registered")

    @column("Lease")
    def lease_badge(self, client: GateClient) -> SafeString:
        lease = lease_of(client)
        return badge(lease["lease"], lease["tone"])

    @column("Left", ordering="lease_until")
    def left(self, client: GateClient) -> SafeString:
        return sentence(lease_of(client)["left"], 60)

    @column("Holds the gates of")
    def holds_gates(self, client: GateClient) -> str:
        names = sorted(hold.strategy_id for hold in client.holds.all())
        return ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")

    def page(self, request: HttpRequest, row: GateClient) -> Mapping[str, Any]:
        return {
            "row": client_row(row),
            "held": held_codes(row),
            "gates_url": named_url("strategies.gateauthority", row.world_id),
            "entries": AuditEntry.objects.filter(
                stream=row.world_id, object_type="gate", object_id=f"{row.world_id}/{row.client_id}"
            ).order_by("-sequence")[:ENTRIES],
        }

    # --- the door ---------------------------------------------------------------------------------------
    def has_revoke_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Operators; a runner only what he registered himself."""
        client = self.find(request, object_id)
        if client is None or not admits(request, REVOKE, client.world_id):
            return False
        held = roles_in(request, client.world_id)
        operates = is_superuser(request) or not held.isdisjoint({Role.OPERATOR, Role.OWNER})
        return operates or client.user_id == request.user.pk

    def closed_doors(self, row: GateClient) -> Collection[str]:
        return set() if row.revoked_at is None else {"revoke"}

    @door(
        "Revoke lease", needs="revoke", submit="Revoke", icon="link_off", variant=ActionVariant.DANGER,
        says="The client is told nothing more and closes its gates by itself, at the latest when its lease runs out. "
             "No apply waits for it any more. It may register anew.",
    )  # fmt: skip
    def revoke(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        client = self.seen(request, object_id)

        def change() -> GateClient:
            return services.revoke_lease(
                world_id=client.world_id,
                client_id=client.client_id,
                reason=form.cleaned_data["reason"],
                actor=actor_of_admin(request, client.world_id),
            )

        from_world = request.GET.get("from") == "world"
        back = named_url("strategies.gateauthority", client.world_id) if from_world else url_of(client)
        return pass_through(request, change, done=f"The lease of {client.client_id} is revoked.", back=back)


def held_codes(client: GateClient) -> list[dict[str, Any]]:
    """Each strategy that it holds, with the code that it runs against the judged one."""
    holds = sorted(client.holds.all(), key=lambda hold: hold.strategy_id)
    rows = Binding.objects.filter(world=client.world_id, strategy__in=[hold.strategy_id for hold in holds])
    judged = dict(rows.values_list("strategy_id", "judged_code_hash"))
    return [
        {
            "strategy": hold.strategy_id,
            "runs": hold.code_hash,
            "judged": judged.get(hold.strategy_id, ""),
            "foreign": bool(
                hold.code_hash and judged.get(hold.strategy_id) not in {None, "", hold.code_hash}
            ),
        }
        for hold in holds
    ]
