"""Judging one run alone: the profile of its stage, rule by rule, into a summary.

Passed < inconclusive < failed, and the worst wins. A stage without a profile is not judged by a laxer one:
nothing is known of it, so it is inconclusive and never promoted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from evaluation.domain.rules import REGISTRY
from evaluation.domain.rules.rule import Case, RuleResult, Severity, Status
from evaluation.domain.told_error import error_words
from worlds.domain.policy import Policy, Profile, ruleset_hash
from worlds.domain.ruleset import RULESET_VERSION

RecommendedStage = Literal["backtest_only", "paper_only", "paper_ok_live_candidate"]


@dataclass(frozen=True)
class Judgement:
    """`error`: what the strategy's side ended with; then nothing else was judged."""

    status: Status
    recommended_stage: RecommendedStage
    results: Mapping[str, RuleResult]
    profile: str | None
    policy_version: int | None
    ruleset_hash: str | None
    errors: int = 0
    error: Mapping[str, Any] | None = None

    @property
    def verdict(self) -> Literal["valid", "invalid"]:
        gates = self.results.get("gates")
        passes_gates = gates is None or gates.status == "pass"
        return "valid" if self.status in {"pass", "warn"} and passes_gates else "invalid"

    def violations(self) -> list[dict[str, Any]]:
        """Rules that did not pass and decide something, the blocking ones first."""
        order = {"blocking": 0, "soft": 1, "info": 2}
        telling = [(n, r) for n, r in self.results.items() if r.status != "pass" and r.mode != "shadow"]
        return [
            {
                "rule": name,
                "status": result.status,
                "severity": result.severity,
                "owner": result.owner,
                "reason_code": result.reason_code,
                "reason": result.reason,
                "metric": result.details.get("metric"),
                "value": result.details.get("value"),
                "bound": result.details.get("bound"),
                "margin": result.details.get("margin"),
            }
            for name, result in sorted(telling, key=lambda pair: order[pair[1].severity])
        ]

    def summary(self) -> dict[str, Any]:
        return {
            "status": self.status,
            "recommended_stage": self.recommended_stage,
            "violations": self.violations(),
        }

    def validation(self) -> dict[str, Any]:
        return {
            "policy_version": self.policy_version,
            "ruleset_hash": self.ruleset_hash,
            "profile": self.profile,
            "results": {name: result.document() for name, result in self.results.items()},
            **({} if self.error is None else {"error": dict(self.error)}),
        }


def judge(case: Case, *, policy: Policy | None, policy_version: int | None, from_returns: bool) -> Judgement:
    """The judgement of one run. `from_returns` False: the client brought metrics only; that never promotes."""
    if policy is None:
        return inconclusive("policy.absent", "the world has no active policy")
    profile = policy.profile_for(cast(Any, case.stage))
    hashed = ruleset_hash(policy, profile.name if profile else None, RULESET_VERSION)
    if profile is None:
        reason = f"the policy has no validation profile for the stage {case.stage}"
        return inconclusive("profile.absent", reason, policy_version=policy_version, ruleset_hash=hashed)
    results = {
        name: result for name in REGISTRY if (result := run_rule(name, case, policy, profile)) is not None
    }
    status = worst(results)
    return Judgement(
        status=status,
        recommended_stage=recommend(case.stage, status, results, from_returns=from_returns),
        results=results,
        profile=profile.name,
        policy_version=policy_version,
        ruleset_hash=hashed,
        errors=sum(result.reason_code.endswith("rule_error") for result in results.values()),
    )


def run_rule(name: str, case: Case, policy: Policy, profile: Profile) -> RuleResult | None:
    """One rule's result; an exception in it is a failed rule, or a warning where the policy says so."""
    try:
        return REGISTRY[name].judge(
            case, policy=policy, profile=profile, on_missing=policy.effective_on_missing_metric
        )
    except Exception as error:  # a rule's bug must not lose the run, and must not pass it either
        section = getattr(profile, name, None)
        return RuleResult(
            status="fail" if policy.effective_on_error == "fail" else "warn",
            severity=cast(Severity, getattr(section, "severity", "blocking")),
            owner=getattr(section, "owner", "ops"),
            reason_code=f"{name}.rule_error",
            reason=f"the rule failed: {type(error).__name__}: {error}",
            tags=(name, "rule_error"),
        )


def worst(results: Mapping[str, RuleResult]) -> Status:
    """`fail` by a blocking failure, `inconclusive` by a blocking rule that could not tell, `warn` by a soft one."""
    deciding = [
        result for result in results.values() if result.mode != "shadow" and result.severity != "info"
    ]
    blocking = {result.status for result in deciding if result.severity == "blocking"}
    if "fail" in blocking:
        return "fail"
    if "inconclusive" in blocking:
        return "inconclusive"
    return "pass" if all(result.status == "pass" for result in deciding) else "warn"


def recommend(
    stage: str, status: Status, results: Mapping[str, RuleResult], *, from_returns: bool
) -> RecommendedStage:
    if status in {"fail", "inconclusive"}:
        return "backtest_only"
    gates = results.get("gates")
    if stage != "backtest" and from_returns and gates is not None and gates.status == "pass":
        return "paper_ok_live_candidate"
    return "paper_only"


def inconclusive(
    code: str, reason: str, *, policy_version: int | None = None, ruleset_hash: str | None = None
) -> Judgement:
    result = RuleResult("inconclusive", "blocking", "ops", code, reason, tags=("policy",))
    return Judgement("inconclusive", "backtest_only", {"policy": result}, None, policy_version, ruleset_hash)


def failed_to_evaluate(error: str, *, policy_version: int | None) -> Judgement:
    """An exception while evaluating is not a lost run: it is a failed one with the error in it."""
    result = RuleResult("fail", "blocking", "ops", "evaluation.error", error, tags=("evaluation_error",))
    return Judgement("fail", "backtest_only", {"evaluation": result}, None, policy_version, None, errors=1)


def failed_on_its_side(error: Mapping[str, Any], *, policy_version: int | None) -> Judgement:
    """The strategy's own code failed before there was a record: no policy makes a pass of that."""
    tags = ("evaluation_error", f"{error['kind']}_error")
    result = RuleResult("fail", "blocking", "quant", "evaluation.error", error_words(error), tags=tags)
    return Judgement(
        "fail", "backtest_only", {"evaluation": result}, None, policy_version, None, errors=1, error=error
    )
