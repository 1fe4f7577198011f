"""Query parameters, checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from qmtl_site.http.refusals import Invalid

FLAGS = {"true": True, "1": True, "": True, "false": False, "0": False}


def one_of(params: Mapping[str, str], name: str, values: Sequence[str]) -> str | None:
    value = params.get(name)
    if value is not None and value not in values:
        raise Invalid.at(f"?{name}", f"{name} is one of {', '.join(values)}")
    return value


def flag(params: Mapping[str, str], name: str) -> bool:
    value = params.get(name, "false").lower()
    if value not in FLAGS:
        raise Invalid.at(f"?{name}", f"{name} is true or false")
    return FLAGS[value]
