"""What a subscription is made of."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, Strict, field_validator

from qmtl_site.outbox.schema import kinds

Text = Annotated[str, Strict()]


class SubscriptionFields(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Annotated[Text, Field(min_length=1, max_length=200)]
    kind: Literal["webhook", "notification"]
    world: Annotated[Text, Field(max_length=128)] = ""
    types: list[Text] = Field(default_factory=list, max_length=100)
    target: Annotated[Text, Field(min_length=1, max_length=2000)]

    @field_validator("types")
    @classmethod
    def known_types(cls, types: list[str]) -> list[str]:
        known = {kind.type for kind in kinds()}
        groups = {f"{name.partition('.')[0]}.*" for name in known}
        for name in types:
            if name not in known | groups:
                raise ValueError(f"{name!r} is no type of event and no group like 'decision.*'")
        return sorted(set(types))
