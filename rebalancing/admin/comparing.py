"""Allocators beside each other, and the plan to one of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest

from qmtl_site.accounts.admin_actor import actor_of_admin
from qmtl_site.http.refusals import Invalid
from rebalancing import services
from rebalancing.admin.plan_page import money, percent
from rebalancing.admin.planning import new_run_id
from rebalancing.models import PlanRecord
from rebalancing.schemas import ApplyPlan

TITLES = {
    "equal": "Equal",
    "score": "By score",
    "inverse_volatility": "Inverse volatility",
    "risk_parity": "Risk parity",
    "hrp": "Hierarchical risk parity",
}


def compared(document: Mapping[str, Any]) -> dict[str, Any]:
    """Strategies as rows, methods as columns; each cell the weight, and the share of the risk below it."""
    proposals = document["proposals"]
    return {
        "methods": [
            {
                "name": each["method"],
                "title": TITLES[each["method"]],
                "is_policy": each["method"] == document["policy_method"],
                "note": "" if each["reason"] is None else f"as equal: {each['reason']}",
                "volatility": "–" if each["volatility"] is None else percent(each["volatility"]),
                "turnover": money(each["turnover"]),
                "cost": money(each["cost"]),
            }
            for each in proposals
        ],
        "rows": [
            {
                "name": name,
                "current": percent(document["current"][name]),
                "cells": [
                    {
                        "weight": percent(each["weights"][name]),
                        "risk": percent(each["contributions"][name]) if each["contributions"] else "",
                    }
                    for each in proposals
                ],
            }
            for name in document["strategies"]
        ],
    }


def record_allocator(request: HttpRequest, world_id: str, document: Mapping[str, Any]) -> PlanRecord:
    """The plan to the weights of the method that was chosen; Invalid without a reason or a method."""
    reason = request.POST.get("reason", "").strip()
    if len(reason) < 3:
        raise Invalid.at("/reason", "say why: it is kept in the audit")
    chosen = [each for each in document["proposals"] if each["method"] == request.POST.get("method")]
    if not chosen:
        raise Invalid.at("/method", "choose one of the methods")
    payload = services.request_for(world_id, chosen[0]["weights"])
    if payload is None:
        raise Invalid.at("/method", "nothing is known of what the world has, or holds")
    payload |= {"run_id": new_run_id(), "reason": f"{TITLES[chosen[0]['method']]}: {reason}"[:2000]}
    asked = ApplyPlan.model_validate(payload)
    return services.apply_plan(asked=asked, payload=payload, actor=actor_of_admin(request))[0]
