"""What is refused, at which path, in which words."""

from __future__ import annotations

import pytest

from worlds.domain.policy import PolicyFault, PolicyRefused, load_policy


def faults_of(text: str) -> list[PolicyFault]:
    with pytest.raises(PolicyRefused) as refusal:
        load_policy(text, media="yaml")
    return refusal.value.faults


def selection(text: str) -> str:
    return f"selection: {{{text}}}"


REFUSED = [
    # text, path, a piece of the message
    ("selectoin: {}", "selectoin", "unknown key"),
    ("version: 2", "version", "must be 1"),
    ("version: '1'", "version", "must be 1, not the text '1'"),
    ("version: true", "version", "must be a whole number, not true"),
    ("version: 1.0", "version", "must be a whole number, not 1.0"),
    ("validation: null", "validation", "must be a mapping, not null"),
    ("validation: [fail]", "validation", "must be a mapping, not a list"),
    ("validation: {on_error: ignore}", "validation.on_error", "must be 'fail' or 'warn'"),
    ("evaluation_window: 0d", "evaluation_window", "at least 1s"),
    ("evaluation_window: 90", "evaluation_window", "must be a duration"),
    ("evaluation_window: P1M", "evaluation_window", "write a duration"),
    ("evaluation_window: PT", "evaluation_window", "write a duration"),
    ("evaluation_window: 999999999w", "evaluation_window", "at most 36500 days"),
    ("schedule: {every: 0s}", "schedule.every", "at least 1s"),
    ("schedule: {every: null}", "schedule", "needs a schedule"),
    ("schedule: {every: 1d, crontab: '0 0 * * *'}", "schedule.crontab", "exclude each other"),
    ("schedule: {every: 1d, timezone: UTC}", "schedule.timezone", "with a crontab only"),
    ("schedule: {crontab: '0 0 31 2 *'}", "schedule.crontab", "never fires"),
    ("schedule: {crontab: '0 0 * *'}", "schedule.crontab", "five fields"),
    ("schedule: {crontab: '60 0 * * *'}", "schedule.crontab", "not within 0-59"),
    ("schedule: {crontab: '0 0 * * *', timezone: Europe/Seoul}", "schedule.timezone", "no such timezone"),
    ("schedule: {crontab: '0 0 * * *', timezone: ../etc}", "schedule.timezone", "no such timezone"),
    ("schedule: {crontab: '0 0 * * *', timezone: Europe}", "schedule.timezone", "no such timezone"),
    ("risk_profile: {tier: extreme}", "risk_profile.tier", "must be 'low', 'medium' or 'high'"),
    ("risk_profile: {client_critical: yes}", "risk_profile.client_critical", "must be true or false"),
    ("risk_profile: {client_critical: 1}", "risk_profile.client_critical", "must be true or false"),
    ("risk_profile: {max_capital_at_risk_pct: 101}", "risk_profile.max_capital_at_risk_pct", "at most 100"),
    ("validation_profiles: {p: {sampel: {}}}", "validation_profiles.p.sampel", "unknown key"),
    ("validation_profiles: {'a b': {}}", "validation_profiles.a b", "a name has"),
    (
        "validation_profiles: {p: {performance: {max_dd_max: -0.25}}}",
        "validation_profiles.p.performance.max_dd_max",
        "bounds the size",
    ),
    (
        "validation_profiles: {p: {performance: {sharpe_min: '1'}}}",
        "validation_profiles.p.performance.sharpe_min",
        "must be a number, not the text '1'",
    ),
    (
        "validation_profiles: {p: {performance: {sharpe_min: true}}}",
        "validation_profiles.p.performance.sharpe_min",
        "must be a number, not true",
    ),
    (
        "validation_profiles: {p: {sample: {min_trades_total: 1.5}}}",
        "validation_profiles.p.sample.min_trades_total",
        "must be a whole number",
    ),
    (
        "validation_profiles: {p: {robustness: {pbo_max: 5}}}",
        "validation_profiles.p.robustness.pbo_max",
        "at most 1: it is a probability",
    ),
    (
        "validation_profiles: {p: {risk: {severity: fatal}}}",
        "validation_profiles.p.risk.severity",
        "must be 'blocking', 'soft' or 'info'",
    ),
    (
        "default_profile_by_stage: {paper: papr}",
        "default_profile_by_stage.paper",
        "no validation profile papr",
    ),
    (
        "default_profile_by_stage: {paper_only: papr}",
        "default_profile_by_stage.paper_only",
        "no validation profile papr",
    ),
    (
        "{validation_profiles: {x: {}}, default_profile_by_stage: {paper: paper, paper_only: x}}",
        "default_profile_by_stage.paper_only",
        "different profiles",
    ),
    (selection("gates: ''"), "selection.gates", "empty"),
    (selection("gates: {}"), "selection.gates", "empty"),
    (selection("gates: 3"), "selection.gates", "must be text"),
    (selection("gates: 'sharpee > 1'"), "selection.gates", "unknown metric sharpee"),
    (selection("gates: {all: ['sharpe > 1', 'foo > 1']}"), "selection.gates.all[1]", "unknown metric foo"),
    (
        selection("gates: {any: [{metric: sharpe, min: 2, max: 1}]}"),
        "selection.gates.any[0].min",
        "min 2 is above max 1",
    ),
    (selection("gates: 'max_drawdown >= 0.1'"), "selection.gates", "max_drawdown is never positive"),
    (selection("gates: 'max_drawdown <= 0.2'"), "selection.gates", "a fall of 0.2 is written -0.2"),
    (selection("gates: 'not 0.2 > max_drawdown'"), "selection.gates", "max_drawdown is never positive"),
    (selection("gates: 'max_drawdown >= -20'"), "selection.gates", "20% is -0.2"),
    (selection("gates: 'max_drawdown > 0'"), "selection.gates", "never positive"),
    (selection("gates: '28d.volatility <= -0.1'"), "selection.gates", "28d.volatility is never negative"),
    (selection("gates: 'stress.x.max_drawdown >= 0.3'"), "selection.gates", "never positive"),
    (selection("gates: 'live.30d.es_p05 <= -0.1'"), "selection.gates", "never negative"),
    (selection("gates: 'rank.sharpe <= 0'"), "selection.gates", "ranks begin at 1"),
    (selection("gates: 'pct_rank.sharpe <= 10'"), "selection.gates", "within 0 and 1"),
    (selection("gates: 'pbo <= 5'"), "selection.gates", "is a probability"),
    (
        selection("gates: {all: ['sharpe > 1', {not: {metric: max_drawdown, max: 0.2}}]}"),
        "selection.gates.all[1].not.max",
        "never positive",
    ),
    (selection("gates: 'sharpe > 2 and cagr > 0 and sharpe < 1'"), "selection.gates", "never passes"),
    (selection("score: ''"), "selection.score", "empty"),
    (selection("score: null"), "selection.score", "must be text"),
    (selection("score: 'sharpe > 1'"), "selection.score", "a score is a number"),
    (selection("score: {metric: sharpe, min: 1}"), "selection.score", "written as text"),
    (selection("correlation: {max: 1.1}"), "selection.correlation.max", "at most 1"),
    (selection("correlation: {max: -0.1, absolute: true}"), "selection.correlation.max", "never negative"),
    (selection("correlation: {min_overlap: 1}"), "selection.correlation.min_overlap", "at least 2"),
    (selection("correlation: {max_per_group: 0}"), "selection.correlation.max_per_group", "at least 1"),
    (selection("exposure: {max_weight: 0}"), "selection.exposure.max_weight", "above 0"),
    (selection("top_k: {k: 0}"), "selection.top_k.k", "at least 1"),
    (selection("top_k: {k: 2, per_side: {long: 3}}"), "selection.top_k.per_side.long", "within 0 and k = 2"),
    (
        selection("top_k: {k: 2, per_side: {short: -1}}"),
        "selection.top_k.per_side.short",
        "within 0 and k = 2",
    ),
    (selection("top_k: {per_side: {lng: 1}}"), "selection.top_k.per_side.lng", "must be 'long'"),
    (
        selection("hysteresis: {promote_after: 0}"),
        "selection.hysteresis.promote_after",
        "a count is 1 or more",
    ),
    (selection("hysteresis: {promote_after: 1.5}"), "selection.hysteresis.promote_after", "must be a count"),
    (selection("hysteresis: {demote_after: true}"), "selection.hysteresis.demote_after", "must be a count"),
    (selection("hysteresis: {swap_margin: -1}"), "selection.hysteresis.swap_margin", "at least 0"),
    (
        selection("gates: 'sharpe >= 1.5', hysteresis: {exit_gates: 'sharpe >= 2'}"),
        "selection.hysteresis.exit_gates",
        "sharpe >= 2 is stricter than the entry gates' sharpe >= 1.5",
    ),
    (
        selection(
            "gates: 'volatility <= 0.3', hysteresis: {exit_gates: 'cagr > 0 and returns.volatility < 0.3'}"
        ),
        "selection.hysteresis.exit_gates",
        "volatility < 0.3 is stricter",
    ),
    (selection("weights: {method: eqal}"), "selection.weights.method", "must be 'equal'"),
    (
        "stress: {scenarios: {crash: {max_drawdown: 0.3}}}",
        "stress.scenarios.crash.max_drawdown",
        "20% is -0.2",
    ),
    ("stress: {scenarios: {crash: {es_99: -0.1}}}", "stress.scenarios.crash.es_99", "a positive fraction"),
    ("live_monitoring: {max_drawdown_min: 0.1}", "live_monitoring.max_drawdown_min", "at most 0"),
    ("live_monitoring: {max_drawdown_min: -15}", "live_monitoring.max_drawdown_min", "at least -1"),
    (
        "live_monitoring: {risk_cut: {max_drawdown_min: 1}}",
        "live_monitoring.risk_cut.max_drawdown_min",
        "at most 0",
    ),
    ("live_monitoring: {windows: [30, 45]}", "live_monitoring.windows[1]", "must be 30, 60 or 90"),
    ("live_monitoring: {windows: [30.0]}", "live_monitoring.windows[0]", "must be a whole number"),
    ("live_monitoring: {windows: [30, 30]}", "live_monitoring.windows[1]", "there twice"),
    ("live_monitoring: {windows: []}", "live_monitoring.windows", "must not be empty"),
    ("paper_shadow_consistency: {stages: paper}", "paper_shadow_consistency.stages", "must be a list"),
    ("cohort: {dsr_median_min: 2}", "cohort.dsr_median_min", "it is a probability"),
    (
        "governance: {live_promotion: {canary: {fraction: 0}}}",
        "governance.live_promotion.canary.fraction",
        "above 0",
    ),
    (
        "governance: {live_promotion: {approvers: []}}",
        "governance.live_promotion.approvers",
        "must not be empty",
    ),
    (
        "governance: {live_promotion: {max_live_slots: 0}}",
        "governance.live_promotion.max_live_slots",
        "at least 1",
    ),
    (
        "governance: {override: {review_after: 200d}}",
        "governance.override.review_after",
        "not be longer than",
    ),
    ("position_policy: {demote_to: live}", "position_policy.demote_to", "must be 'dry_run' or 'inactive'"),
    ("rebalancing: {on_switch: on}", "rebalancing.on_switch", "not the text 'on'"),
    ("rebalancing: {on_switch: false}", "rebalancing.on_switch", "not false"),
    (
        "gating_policy: {dataset_fingerprint: {required: false}}",
        "gating_policy.dataset_fingerprint",
        "{required: true}",
    ),
    ("gating_policy: {apply: {freeze_timeout_ms: 0}}", "gating_policy.apply.freeze_timeout_ms", "at least 1"),
    (
        "gating_policy: {edges: {post_promotion: [{src_node: a}]}}",
        "gating_policy.edges.post_promotion[0].dst_node",
        "is missing",
    ),
]


@pytest.mark.parametrize(("text", "path", "message"), REFUSED)
def test_a_bad_document_is_refused_with_the_place_and_the_reason(text: str, path: str, message: str) -> None:
    faults = faults_of(text)
    assert [fault.path for fault in faults] == [path]
    assert message in faults[0].message
    assert faults[0].line == 1
    assert faults[0].column is not None


@pytest.mark.parametrize(
    ("text", "nearest"),
    [
        ("selectoin: {}", ["selection"]),
        (selection("hysterisis: {}"), ["hysteresis"]),
        (selection("top_k: {kk: 1}"), ["k"]),
        ("validation_profiles: {p: {performance: {sharp_min: 1}}}", ["sharpe_min"]),
        ("stress: {scenarios: {x: {max_drawdwn: -0.1}}}", ["max_drawdown"]),
        ("governance: {live_promotion: {canary: {fro: 1d}}}", ["for"]),
        ("gating_policy: {edges: {pre_promotion: [{src_node: a, dst_node: b, dst_nod: c}]}}", ["dst_node"]),
        ("risk_profile: {tier: hgih}", ["high"]),
        (selection("gates: {all: [{metric: total_retrun, min: 0}]}"), ["total_return"]),
        (selection("gates: {al: ['sharpe > 1']}"), ["all"]),
        ("{validation_profiles: {strict: {}}, default_profile_by_stage: {live: stric}}", ["strict"]),
    ],
)
def test_a_misspelling_is_told_the_nearest_known_name(text: str, nearest: list[str]) -> None:
    (fault,) = faults_of(text)
    assert fault.nearest[0] == nearest[0]
