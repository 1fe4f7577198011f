"""The correlations among a decision's candidates, from the inputs that it was made from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from evaluation.admin.decision_page import order
from evaluation.domain.candidates import Candidate, Situation
from evaluation.domain.charts_heat import heat_map
from evaluation.domain.correlation import Correlations, panel_of
from evaluation.domain.decision.context import series_of
from evaluation.domain.rules.data_currency import milliseconds
from evaluation.models import Decision
from evaluation.services.inputs import InputsLost, read_inputs
from qmtl_site.blobs import store
from qmtl_site.blobs.store import BlobCorrupt
from worlds.domain.policy.selection import Correlation

SHOWN = 40
DEFAULT = Correlation()


def correlations_of(decision: Decision) -> dict[str, Any]:
    """The heat map, or the reason why there is none."""
    ranked = sorted(orjson.loads(bytes(decision.document))["candidates"], key=order)
    chosen = ranked[:SHOWN]
    try:
        situation, candidates = inputs_of(decision, [row["strategy_id"] for row in chosen])
    except (BlobCorrupt, InputsLost) as lost:
        return {"heat": None, "no_heat": f"The inputs of the decision are lost: {lost}", "of": len(ranked)}
    section = situation.policy.selection.correlation if situation.policy.selection else None
    terms = section or DEFAULT
    with_place = [row["rank"] is not None or row["state"] == "live" for row in chosen]
    matrix = matrix_of(situation, candidates, with_place, terms)
    names = [candidate.strategy_id for candidate in candidates]
    limit = None if section is None else section.max
    return {
        "heat": heat_map(names, matrix, limit=limit, absolute=terms.absolute),
        "no_heat": "There is no pair of candidates to compare.",
        "shown": len(names),
        "of": len(ranked),
        "terms": terms,
        "limit": limit,
    }


def inputs_of(decision: Decision, names: Sequence[str]) -> tuple[Situation, list[Candidate]]:
    """What these candidates brought, in the order of the names; the series of the others are not read."""
    given = orjson.loads(store.get(decision.inputs_id))
    wanted = {row["strategy_id"]: row for row in given["candidates"]}
    given["candidates"] = [wanted[name] for name in names]
    now = round(decision.as_of.timestamp() * 1000)
    return read_inputs(decision.world_id, orjson.dumps(given), now=now, slot=None)


def matrix_of(
    situation: Situation, candidates: Sequence[Candidate], with_place: Sequence[bool], terms: Correlation
) -> NDArray[np.float64]:
    """Over the window that the decision compared in: it ends with the newest record of those it compared."""
    ends = [
        candidate.evidence.last
        for candidate, has_place in zip(candidates, with_place, strict=True)
        if has_place and candidate.evidence is not None and candidate.evidence.last is not None
    ]
    panel = panel_of(
        [series_of(candidate) for candidate in candidates],
        window_ms=None if terms.window is None else milliseconds(terms.window),
        until_ms=min(max(ends, default=situation.now), situation.now),
    )
    return Correlations(panel, terms.min_overlap).matrix(np.arange(len(candidates)))
