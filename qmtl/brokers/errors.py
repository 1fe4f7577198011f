"""What brokers raise, by what the caller can do next. A refusal of an order is no error: it is a report."""

from __future__ import annotations


class BrokerError(Exception):
    """Base of what a broker raises."""


class OrderConflict(BrokerError):
    """Another order came under the same client order id: choose another id; the first order stands."""


class UnknownOrder(BrokerError):
    """The broker knows no order with this client order id."""


class BrokerUnavailable(BrokerError):
    """The broker did not answer; what it did is not known. Repeat the same order: its id makes it safe."""


class BrokerMisuse(BrokerError):
    """The call makes no sense to this broker: wrong credentials, an unknown exchange, a price from the past."""
