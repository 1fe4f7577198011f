"""Shapes of tokens and roles."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, Strict

RoleName = Literal["viewer", "submitter", "runner", "operator", "risk", "owner"]
UserName = Annotated[str, Strict(), Field(min_length=1, max_length=150, pattern=r"^[\w.@+-]+$")]


class TokenCreate(BaseModel):
    model_config = ConfigDict(extra="forbid")

    user: UserName | None = Field(
        default=None, description="Default: you. Only a superuser names somebody else."
    )
    expires_days: Annotated[int, Strict(), Field(ge=1, le=3650)] = 90


class TokenDocument(BaseModel):
    user: str
    token: str = Field(description="Shown this once.")
    token_key: str = Field(description="Names the token when it is revoked.")
    expires_at: datetime | None


class RoleChange(BaseModel):
    model_config = ConfigDict(extra="forbid")

    user: UserName
    role: RoleName


class RoleDocument(BaseModel):
    user: str
    roles: list[RoleName]


class RoleList(BaseModel):
    items: list[RoleDocument]
