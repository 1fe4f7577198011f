"""The machine that a figure was measured on, and how a figure is told."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path


@dataclass(frozen=True)
class Figure:
    """One measured value; `at_least` says on which side of the target it should be."""

    what: str
    value: float
    unit: str
    target: float | None = None
    at_least: bool = False
    digits: int = 0

    @property
    def verdict(self) -> str:
        if self.target is None:
            return ""
        met = self.value >= self.target if self.at_least else self.value <= self.target
        return "met" if met else "MISSED"


def machine(*packages: str) -> str:
    """CPU model, cores, how busy they are with other work, and versions."""
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    return (
        f"{cpu_model()}, {os.cpu_count()} cores (load {os.getloadavg()[0]:.1f} at the start), "
        f"Python {platform.python_version()}{', ' if versions else ''}{versions}"
    )


def cpu_model() -> str:
    """The CPU's name as the kernel gives it, else the architecture."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.exists() else []
    names = (text.partition(":")[2].strip() for text in lines if text.startswith("model name"))
    return next(names, platform.machine())


def table(figures: Sequence[Figure]) -> str:
    """Figures in columns."""
    rows = [("figure", "value", "target", "")]
    for figure in figures:
        target = "" if figure.target is None else f"{'>=' if figure.at_least else '<='} {figure.target:g}"
        rows.append((figure.what, f"{figure.value:,.{figure.digits}f} {figure.unit}", target, figure.verdict))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
