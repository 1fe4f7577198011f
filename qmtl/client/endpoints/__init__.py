"""Every endpoint of the service, described once."""

from qmtl.client.endpoints.evaluation import EvaluationEndpoints
from qmtl.client.endpoints.rebalancing import RebalancingEndpoints
from qmtl.client.endpoints.strategies import StrategyEndpoints
from qmtl.client.endpoints.trading import TradingEndpoints
from qmtl.client.endpoints.worlds import WorldEndpoints


class Endpoints(
    WorldEndpoints, StrategyEndpoints, EvaluationEndpoints, TradingEndpoints, RebalancingEndpoints
):
    """All of them."""


__all__ = ["Endpoints"]
