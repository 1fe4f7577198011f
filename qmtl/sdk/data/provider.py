"""From a world's data preset to its bars: which provider, what may be asked of it, and whether to trust what came."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Protocol

from qmtl.client.documents import DataPreset
from qmtl.client.nearest import not_there
from qmtl.sdk.errors import DataError
from qmtl.sdk.frame import Frame
from qmtl.sdk.intervals import iso, milliseconds


class Provider(Protocol):
    """Where bars come from. `load` gives all closed bars of the preset's symbols, oldest first."""

    def load(self, preset: DataPreset) -> Frame: ...


SOURCES: Mapping[str, str] = {
    "csv": "qmtl.sdk.data.files:CsvProvider",
    "parquet": "qmtl.sdk.data.files:ParquetProvider",
    "package-dataset": "qmtl.sdk.data.package:PackageProvider",
    "ccxt": "qmtl.sdk.data.exchange:CcxtProvider",
}
"""By `source` of a preset; imported when it is used, as some need an extra."""


def data_folder() -> Path:
    """Where files of presets are: QMTL_DATA_DIR, else `data` here."""
    return Path(os.environ.get("QMTL_DATA_DIR", "data"))


def choose(presets: Sequence[DataPreset], wanted: str | None, world_id: str) -> DataPreset:
    """The preset of that id among those that the world declares; without one the first, its default."""
    if not presets:
        raise DataError(
            f"world {world_id!r} declares no data_presets; add one to the world, or give data= or returns= yourself"
        )
    if wanted is None:
        return presets[0]
    for preset in presets:
        if preset.id == wanted:
            return preset
    raise DataError(not_there("data preset", wanted, [preset.id for preset in presets]))


def provider_of(preset: DataPreset) -> Provider:
    if preset.source not in SOURCES:
        raise DataError(not_there("source of data", preset.source, SOURCES))
    module, _, name = SOURCES[preset.source].partition(":")
    make: Callable[[], Provider] = getattr(import_module(module), name)
    return make()


def load(
    preset: DataPreset,
    *,
    provider: Provider | None = None,
    periods_per_year: float | None = None,
    now: float | None = None,
) -> Frame:
    """The preset's bars, checked. DataError, before anything is computed, where they are not what was declared:
    missing symbols, gaps, doubles, too old (`max_lag`), or other than `dataset_fingerprint` says."""
    frame = (provider or provider_of(preset)).load(preset)
    if frame.interval != preset.interval:
        raise DataError(
            f"preset {preset.id!r} declares {preset.interval} bars, the data has {frame.interval} ones"
        )
    frame = of_symbols(frame, preset)
    if preset.window and len(frame):
        frame = frame.part(int(frame.times[-1]) - milliseconds(preset.window) + 1)
    frame.check(periods_per_year=periods_per_year)
    if preset.max_lag:
        newest = int(frame.times[-1])
        late = (now or time.time()) * 1000 - newest
        if late > milliseconds(preset.max_lag):
            raise DataError(
                f"the newest bar of preset {preset.id!r} is of {iso(newest)}, older than its max_lag of "
                f"{preset.max_lag}: bring the data up to date"
            )
    if preset.dataset_fingerprint and preset.dataset_fingerprint.startswith("sha256:"):
        found = frame.fingerprint()
        if found != preset.dataset_fingerprint:
            raise DataError(
                f"the data of preset {preset.id!r} is not what the world declares: its fingerprint is {found}, not "
                f"{preset.dataset_fingerprint}. Use the declared data, or have the owner declare the new one"
            )
    return frame


def of_symbols(frame: Frame, preset: DataPreset) -> Frame:
    """The declared symbols in their order; without a declaration all of them."""
    if not preset.symbols:
        return frame
    missing = [symbol for symbol in preset.symbols if symbol not in frame.symbols]
    if missing:
        raise DataError(f"the data of preset {preset.id!r} has no {', '.join(missing[:5])}")
    places = [frame.symbols.index(symbol) for symbol in preset.symbols]
    fields = {name: values[:, places] for name, values in frame.fields.items()}
    return Frame(frame.times, tuple(preset.symbols), fields, frame.interval)
