"""Look of the admin pages (django-unfold): colours, navigation, the index."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy


def seen_by(model: str) -> Callable[[HttpRequest], bool]:
    """Whether a person may see the list of `app.model`; asked of the page itself."""

    def may_see(request: HttpRequest) -> bool:
        # Settings are read before the apps are there.
        from django.apps import apps
        from django.contrib import admin

        page = admin.site._registry.get(apps.get_model(model))
        return page is not None and page.has_view_permission(request)

    return may_see


def entry(title: str, icon: str, model: str) -> dict[str, Any]:
    link = reverse_lazy(f"admin:{model.lower().replace('.', '_')}_changelist")
    return {"title": title, "icon": icon, "link": link, "permission": seen_by(model)}


NAVIGATION: list[dict[str, Any]] = [
    {"items": [{"title": "Overview", "icon": "monitoring", "link": reverse_lazy("admin:index")}]},
    {
        "title": "Rules",
        "separator": True,
        "items": [
            entry("Worlds", "public", "worlds.World"),
            entry("Policies", "policy", "worlds.PolicyVersion"),
        ],
    },
    {
        "title": "Strategies",
        "separator": True,
        "items": [
            entry("Strategies", "psychology", "strategies.Strategy"),
            entry("In worlds", "hub", "strategies.Binding"),
            entry("Runs", "show_chart", "evaluation.EvaluationRun"),
        ],
    },
    {
        "title": "Decisions",
        "separator": True,
        "items": [
            entry("Ladders", "stairs", "evaluation.EvaluationTurn"),
            entry("Decisions", "filter_alt", "evaluation.Decision"),
            entry("Promotions", "how_to_reg", "evaluation.Promotion"),
        ],
    },
    {
        "title": "Activation",
        "separator": True,
        "items": [
            entry("Gates", "lock_open", "strategies.GateAuthority"),
            entry("Applies", "change_circle", "strategies.Apply"),
            entry("Gate clients", "sensors", "strategies.GateClient"),
            entry("Nodes", "account_tree", "strategies.Node"),
            entry("Edges", "polyline", "strategies.EdgeOverride"),
            entry("Waiting commands", "schedule_send", "strategies.QueuedCommand"),
        ],
    },
    {
        "title": "Capital",
        "separator": True,
        "items": [
            entry("Allocations", "donut_small", "rebalancing.Allocation"),
            entry("Rebalancings", "balance", "rebalancing.PlanRecord"),
            entry("Proposals", "lightbulb", "rebalancing.Proposal"),
        ],
    },
    {
        "title": "Evidence",
        "separator": True,
        "items": [
            entry("Audit", "history_edu", "audit.AuditEntry"),
            entry("Events", "bolt", "outbox.OutboxEvent"),
            entry("Gates' history", "lock_clock", "strategies.ActivationRecord"),
            entry("Fills", "receipt_long", "strategies.Fill"),
            entry("Snapshots", "photo_camera", "evaluation.Snapshot"),
            entry("Revisions", "history", "evaluation.RunRevision"),
            entry("Trials", "experiment", "evaluation.Trial"),
        ],
    },
    {
        "title": "Access",
        "separator": True,
        "collapsible": True,
        "items": [
            entry("Roles", "badge", "accounts.WorldRole"),
            entry("Tokens", "key", "knox.AuthToken"),
            entry("Users", "person", "auth.User"),
            entry("Groups", "group", "auth.Group"),
        ],
    },
    {
        "title": "Schedule",
        "separator": True,
        "collapsible": True,
        "items": [
            entry("Periodic tasks", "schedule", "django_celery_beat.PeriodicTask"),
            entry("Intervals", "timer", "django_celery_beat.IntervalSchedule"),
            entry("Crontabs", "calendar_month", "django_celery_beat.CrontabSchedule"),
        ],
    },
    {
        "title": "Delivery",
        "separator": True,
        "collapsible": True,
        "items": [
            entry("Subscriptions", "outgoing_mail", "outbox.Subscription"),
            entry("Dead letters", "unsubscribe", "outbox.DeadLetter"),
            entry("Readers of events", "sync_alt", "outbox.DeliveryCursor"),
        ],
    },
]

# A calm blue; red, orange and green are left to verdicts.
PRIMARY = {
    "50": "oklch(97% .014 254.6)",
    "100": "oklch(93.2% .032 255.6)",
    "200": "oklch(88.2% .059 254.1)",
    "300": "oklch(80.9% .105 251.8)",
    "400": "oklch(70.7% .165 254.6)",
    "500": "oklch(62.3% .214 259.8)",
    "600": "oklch(54.6% .215 262.9)",
    "700": "oklch(48.8% .213 264.4)",
    "800": "oklch(42.4% .179 265.6)",
    "900": "oklch(37.9% .136 265.5)",
    "950": "oklch(28.2% .091 267.9)",
}

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "QMTL WorldService",
    "SITE_HEADER": "QMTL WorldService",
    "SITE_SUBHEADER": "who may trade, and why",
    "SITE_SYMBOL": "monitoring",
    "SITE_URL": None,
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("qmtl/icon.svg")}
    ],
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "BORDER_RADIUS": "6px",
    "COLORS": {"primary": PRIMARY},
    "DASHBOARD_CALLBACK": "qmtl_site.dashboard.dashboard",
    "STYLES": [
        lambda request: static("qmtl/admin.css"),
        lambda request: static("qmtl/decisions.css"),
        lambda request: static("qmtl/activation.css"),
        lambda request: static("qmtl/rebalancing.css"),
    ],
    "SIDEBAR": {"show_search": False, "show_all_applications": False, "navigation": NAVIGATION},
}
