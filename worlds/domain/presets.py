"""Data presets of a world: which data its strategies are judged and run on. The first is the default."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Strict, model_validator

from worlds.domain.policy.durations import PATTERN, Duration
from worlds.domain.series import interval_milliseconds

RESERVED = "latest"
Symbol = Annotated[str, Strict(), Field(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]*$")]
# How many periods of an interval a year can have: of a market that closes, up to one that never does.
PERIODS_OF_A_DAY = {"d": 1.0, "w": 1 / 7, "h": 24.0, "m": 1440.0, "s": 86_400.0}


def known_interval(text: str) -> str:
    interval_milliseconds(text)
    return text


def known_duration(text: str) -> str:
    Duration.parse(text)
    return text


Span = Annotated[
    str,
    Strict(),
    AfterValidator(known_duration),
    Field(max_length=64, json_schema_extra={"pattern": PATTERN}),
]


class DataPreset(BaseModel):
    """One declared source. `window`: how much history it gives; `max_lag`: how old its newest bar may be."""

    model_config = ConfigDict(extra="forbid")

    id: Annotated[str, Strict(), Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$", max_length=128)]
    source: Literal["csv", "parquet", "ccxt", "package-dataset"]
    symbols: list[Symbol] = Field(default_factory=list, max_length=5000)
    interval: Annotated[str, Strict(), AfterValidator(known_interval)] = "1d"
    window: Span | None = None
    max_lag: Span | None = None
    dataset_fingerprint: Annotated[str, Strict(), Field(min_length=1, max_length=256)] | None = None

    @model_validator(mode="after")
    def says_what_to_load(self) -> DataPreset:
        if len(set(self.symbols)) < len(self.symbols):
            raise ValueError("a symbol stands there twice")
        if self.source == "ccxt" and not self.symbols:
            raise ValueError("an exchange is asked for symbols: name them")
        if self.id.lower() == RESERVED:
            raise ValueError(f"{RESERVED!r} is reserved")
        return self


class PresetRefused(ValueError):
    """Presets that do not fit each other or their world: a JSON pointer below `data_presets`, and why."""

    def __init__(self, pointer: str, reason: str) -> None:
        super().__init__(reason)
        self.pointer, self.reason = pointer, reason


def check_presets(presets: Sequence[DataPreset], periods_per_year: float) -> None:
    """Each id once; the default's interval agrees with how many periods the world's year has."""
    seen: set[str] = set()
    for index, preset in enumerate(presets):
        if preset.id in seen:
            raise PresetRefused(f"/{index}/id", f"{preset.id!r} stands there twice")
        seen.add(preset.id)
    if presets and not plausible_periods(presets[0].interval, periods_per_year):
        raise PresetRefused(
            "/0/interval",
            f"{presets[0].interval} does not agree with {periods_per_year:g} periods per year",
        )


def plausible_periods(interval: str, periods_per_year: float) -> bool:
    """Whether a year can have so many periods of an interval."""
    count, unit = int(interval[:-1]), interval[-1]
    around_the_clock = PERIODS_OF_A_DAY[unit] / count * 366
    market_hours = PERIODS_OF_A_DAY[unit] / count * (240 if unit in "dw" else 240 * 0.2)
    return market_hours <= periods_per_year * 1.0001 and periods_per_year <= around_the_clock * 1.01
