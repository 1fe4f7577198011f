"""What an executing runner says of its orders."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field, Strict

from rebalancing.schemas.plans import Name, Shape

MOST_WORDS = 5_000
Why = Annotated[str, Strict(), Field(min_length=1, max_length=500, pattern=r"^[^\x00]*$")]


class OrderWord(Shape):
    order_id: Annotated[str, Strict(), Field(min_length=1, max_length=36, pattern=r"^[^\x00-\x1f]+$")]
    outcome: Literal["not_filled", "taken_back"] = Field(
        description="Not filled: tried again when the rebalancing is executed again. Taken back: nothing of it is at "
        "the broker any more, and what it filled was reported before."
    )
    reason: Why


class OrderWords(Shape):
    """By the gate client that the orders were handed to."""

    client_id: Name
    lease_secret: Annotated[str, Strict(), Field(min_length=1, max_length=200)]
    orders: Annotated[list[OrderWord], Field(min_length=1, max_length=MOST_WORDS)]


class WordsTaken(BaseModel):
    changed: int = Field(description="Orders that are other than they were.")
