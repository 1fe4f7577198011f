"""Is it better than holding the benchmark?"""

from __future__ import annotations

from evaluation.domain.rules.rule import Bound, BoundRule, present
from worlds.domain.policy import Policy, Profile
from worlds.domain.policy.watching import Benchmark as BenchmarkSection


class Benchmark(BoundRule):
    """Is it better than holding the benchmark?"""

    name = "benchmark"

    def section(self, policy: Policy, profile: Profile) -> BenchmarkSection | None:
        return policy.benchmark

    def bounds(self, section: BenchmarkSection) -> list[Bound]:
        return present(
            ("min_vs_benchmark_sharpe", "benchmark.sharpe_uplift", ">=", section.min_vs_benchmark_sharpe)
        )
