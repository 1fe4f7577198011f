"""States, verdicts and stages as coloured badges, the same on every page."""

from __future__ import annotations

from django.utils.html import format_html
from django.utils.safestring import SafeString

TONES: dict[str, tuple[str, ...]] = {
    "good": ("ACTIVE", "active", "pass", "live", "activated", "valid", "intact", "paper_ok_live_candidate",
             "promote", "approved", "open", "completed", "filled"),
    "info": ("dry_run", "validating", "evaluating", "backtest_running", "EVALUATION_ONLY", "evaluated", "paper_only",
             "reopen", "shadow", "requested", "freeze", "switch", "unfreeze", "planned", "running", "handed"),
    "warn": ("warn", "PAUSED", "draft", "inconclusive", "missing", "waiting", "soft", "wait", "pending", "frozen",
             "rolled_back", "queued", "refused", "cancelling", "outdated"),
    "bad": ("fail", "rejected", "invalid", "breaker engaged", "broken", "blocking", "demote", "kept shut", "error"),
}  # fmt: skip
TONE_OF = {name: tone for tone, names in TONES.items() for name in names}


def badge(value: object, tone: str = "") -> SafeString:
    """A badge; without a tone the value's own, or a muted one."""
    text = "" if value is None else str(value)
    if not text:
        return SafeString("–")
    shown = text.replace("_", " ")
    return format_html(
        '<span class="q-badge q-{}">{}</span>', tone or TONE_OF.get(text, "mute"), shown.lower()
    )
