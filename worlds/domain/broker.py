"""Where a world's orders go: settings that everybody may see, and credentials that only come in."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, Strict, model_validator

CredentialName = Literal[
    "apiKey",
    "secret",
    "uid",
    "accountId",
    "login",
    "password",
    "twofa",
    "privateKey",
    "walletAddress",
    "token",
]
"""As ccxt names them."""
CREDENTIAL_NAMES = frozenset(CredentialName.__args__)  # type: ignore[attr-defined]
OptionName = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.-]+$")]
OptionValue = (
    Annotated[str, Strict(), Field(max_length=256, pattern=r"^[^\x00]*$")] | Annotated[bool, Strict()] | int
)
Bps = Annotated[Decimal, Field(ge=0, lt=10_000, max_digits=12, decimal_places=6, allow_inf_nan=False)]
Rebate = Annotated[
    Decimal, Field(gt=-10_000, lt=10_000, max_digits=12, decimal_places=6, allow_inf_nan=False)
]


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class PaperTerms(Part):
    """What an execution on paper costs, in basis points of its notional."""

    taker_bps: Bps = Decimal(0)
    maker_bps: Rebate | None = None
    slippage_bps: Bps = Decimal(0)
    participation: Annotated[Decimal, Field(gt=0, le=1, max_digits=12, decimal_places=8)] | None = Field(
        default=None, description="Largest part of a bar's volume that is filled in it."
    )


class BrokerFields(Part):
    """Settings as they are sent. `credentials` absent: those that are kept stay; null: they are forgotten."""

    kind: Literal["paper", "ccxt"]
    exchange: Annotated[str, Strict(), Field(pattern=r"^[a-z0-9_]{1,64}$")] | None = Field(
        default=None, description="As ccxt names it; of kind ccxt only."
    )
    sandbox: Annotated[bool, Strict()] = Field(default=False, description="The exchange's own test network.")
    options: dict[OptionName, OptionValue] = Field(
        default_factory=dict, max_length=50, description="Handed to ccxt as they are; no secrets."
    )
    paper: PaperTerms = Field(default_factory=PaperTerms)
    credentials: (
        Annotated[
            dict[CredentialName, Annotated[SecretStr, Field(min_length=1, max_length=8192)]],
            Field(min_length=1),
        ]
        | None
    ) = Field(default=None, description="Write-only.")

    @model_validator(mode="after")
    def agrees_with_its_kind(self) -> BrokerFields:
        if (self.kind == "ccxt") is (self.exchange is None):
            raise ValueError("a broker of kind ccxt names its exchange, one of paper has none")
        if self.kind == "paper" and (self.credentials or self.sandbox):
            raise ValueError("paper needs no credentials and no sandbox")
        if self.options.keys() & CREDENTIAL_NAMES:
            raise ValueError("credentials are not options: send them as credentials")
        return self

    @property
    def forgets_credentials(self) -> bool:
        return "credentials" in self.model_fields_set and self.credentials is None

    def secrets(self) -> dict[str, str]:
        """The credentials in the clear."""
        return {name: value.get_secret_value() for name, value in (self.credentials or {}).items()}
