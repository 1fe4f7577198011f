"""The inputs of a decision as a document: what it was made from, by content hash, and what reads it back."""

from __future__ import annotations

import platform
from dataclasses import fields, replace
from functools import cache
from importlib.metadata import version
from typing import Any

import orjson

from evaluation.domain.candidates import Candidate, Situation
from evaluation.services.candidates import EVIDENCE, Loaded, fetch, names_of, read, source_of
from evaluation.services.loading import world_terms
from qmtl_site.blobs import store
from worlds.domain.ruleset import RULESET_VERSION
from worlds.models import PolicyVersion, World
from worlds.selectors import compiled

FORMAT = 1
BARE = [field.name for field in fields(Candidate) if field.name != "evidence"]
TOLD_ELSEWHERE = frozenset({"policy", "policy_version", "terms", "now", "slot"})


class InputsLost(Exception):
    """A decision cannot be made again: evidence is absent or is not what it was."""


def versions() -> dict[str, str]:
    """Of everything that the figures of a decision depend on."""
    return {"ruleset": RULESET_VERSION, **installed()}


@cache
def installed() -> dict[str, str]:
    """They stay while the process lives, and reading them takes milliseconds."""
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "numpy": version("numpy"),
        "scipy": version("scipy"),
    }


def inputs_document(situation: Situation, loaded: Loaded, *, checksum: str) -> bytes:
    """Everything that `decide` is given but the moment, which the decision itself tells: as long as nothing
    happens the inputs stay the same. Series and figures by the hashes of their evidence."""
    told = {name: value for name, value in vars(situation).items() if name not in TOLD_ELSEWHERE}
    terms = situation.terms
    return orjson.dumps(
        {
            "format": FORMAT,
            "versions": versions(),
            "policy": {"version": situation.policy_version, "checksum": checksum},
            "situation": told,
            "terms": {
                "periods_per_year": terms.periods_per_year,
                "risk_free_rate": terms.risk_free_rate,
                "reference_capital": terms.reference_capital,
                "reference_currency": terms.reference_currency,
            },
            "candidates": [
                bare(candidate) | {"sources": loaded.sources[candidate.strategy_id]}
                for candidate in loaded.candidates
            ],
        },
        option=orjson.OPT_SORT_KEYS,
    )


def bare(candidate: Candidate) -> dict[str, Any]:
    """A candidate without its evidence."""
    return {name: getattr(candidate, name) for name in BARE}


def read_inputs(
    world_id: str, document: bytes, *, now: int, slot: int | None
) -> tuple[Situation, list[Candidate]]:
    """What the decision was made from; InputsLost where it is not there any more."""
    given = orjson.loads(document)
    text = (
        PolicyVersion.objects.select_related("text")
        .get(world_id=world_id, version=given["policy"]["version"])
        .text
    )
    if text.checksum != given["policy"]["checksum"]:
        raise InputsLost("the policy's text is not what it was")
    world = World.objects.get(pk=world_id)
    situation = Situation(
        policy=compiled(text.pk, text.checksum),
        policy_version=given["policy"]["version"],
        terms=replace(world_terms(world), **given["terms"]),
        now=now,
        slot=slot,
        **given["situation"],
    )
    return situation, candidates_in(given["candidates"])


def candidates_in(given: list[dict[str, Any]]) -> list[Candidate]:
    sources = [source for row in given for source in row["sources"].values() if source]
    rows = {row.id: row for row in fetch(EVIDENCE, runs=sorted({source["run"] for source in sources}))}
    for source in sources:
        if source["run"] not in rows or source_of(rows[source["run"]]) != source:
            raise InputsLost(f"the evidence of run {source['run']} is not what it was")
    blobs = store.get_many(names_of(rows.values()))
    made = []
    for row in given:
        known = row.pop("sources")
        run, backtest = known["run"], known["backtest"]
        candidate = Candidate(**row)
        if run is not None and candidate.error is None:
            evidence = read(rows[run["run"]], rows.get(backtest["run"]) if backtest else None, blobs)
            candidate = replace(candidate, evidence=evidence)
        made.append(candidate)
    return made
