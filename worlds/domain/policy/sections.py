"""What all parts of the policy document share: strictness, kinds of numbers, severity and owner."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

Severity: TypeAlias = Literal["blocking", "soft", "info"]
Owner: TypeAlias = Literal["quant", "risk", "ops"]
Mode: TypeAlias = Literal["active", "shadow"]


def _without_negative_zero(value: float) -> float:
    return value + 0.0


def _not_boolean(value: object) -> object:
    """Literal[1] takes true and 1.0 for 1; a strict document does not."""
    if isinstance(value, bool | float):
        shown = str(value).lower() if isinstance(value, bool) else repr(value)
        raise PydanticCustomError("whole_number", "must be a whole number, not {shown}", {"shown": shown})
    return value


Exactly = BeforeValidator(_not_boolean)
Number = Annotated[float, AfterValidator(_without_negative_zero)]
NotNegative = Annotated[Number, Field(ge=0)]
Positive = Annotated[Number, Field(gt=0)]
Share = Annotated[Number, Field(ge=0, le=1)]
Drawdown = Annotated[Number, Field(ge=-1, le=0)]
Count = Annotated[int, Field(ge=0, le=1_000_000_000)]
CountFromOne = Annotated[int, Field(ge=1, le=1_000_000_000)]
Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$")]


class Section(BaseModel):
    """A mapping of the document: frozen, nothing unknown, nothing converted, nothing infinite."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
        serialize_by_alias=True,
    )


class RuleSection(Section):
    """A section that is a rule: how bad its failure is, whose it is, and whether it decides."""

    severity: Severity = "soft"
    """What a failure does: `blocking` makes ineligible, `soft` warns, `info` does nothing."""
    owner: Owner = "risk"
    """Who answers for the rule."""
    mode: Mode = "active"
    """`shadow`: evaluated and recorded, decides nothing."""
