"""Why something could not be delivered."""

from __future__ import annotations


class DeliveryFailed(Exception):
    """This try failed; the words are shown to operators and hold no secret."""


class ClaimLost(Exception):
    """Somebody else is at it: the claim ran out. What was sent may be sent again, nothing is lost."""
