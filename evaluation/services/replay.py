"""Making a decision again from its kept inputs: the same bytes, or why they differ."""

from __future__ import annotations

import hashlib
from typing import Any

import orjson

from evaluation.domain.decision import decide, decision_document
from evaluation.models import Decision
from evaluation.services.candidates import milliseconds
from evaluation.services.inputs import InputsLost, read_inputs, versions
from qmtl_site.blobs import store
from qmtl_site.blobs.store import BlobCorrupt
from qmtl_site.http.documents import dump
from qmtl_site.http.refusals import NotFound


def replay_decision(*, world_id: str, decision_id: str) -> dict[str, Any]:
    """`identical`, else the reason: `version` (of code or libraries), `inputs` (lost or altered), `document`."""
    kept = Decision.objects.filter(world_id=world_id, decision_id=decision_id).first()
    if kept is None:
        raise NotFound(f"World {world_id} has no decision {decision_id!r}")
    then: dict[str, str] = {}
    try:
        inputs = store.get(kept.inputs_id)
        then = orjson.loads(inputs)["versions"]
        again = hashlib.sha256(made_again(kept, inputs)).hexdigest()
    except (BlobCorrupt, InputsLost) as lost:
        return answer(kept, None, reason="inputs", detail=str(lost), then=then)
    if again == kept.sha256:
        return answer(kept, again, reason=None, detail="the same bytes", then=then)
    changed = sorted(name for name, value in versions().items() if then.get(name) != value)
    if changed:
        return answer(
            kept, again, reason="version", detail=f"other versions: {', '.join(changed)}", then=then
        )
    return answer(kept, again, reason="document", detail="the same versions give other bytes", then=then)


def made_again(kept: Decision, inputs: bytes) -> bytes:
    slot = None if kept.slot is None else milliseconds(kept.slot)
    situation, candidates = read_inputs(kept.world_id, inputs, now=milliseconds(kept.as_of), slot=slot)
    return dump(
        decision_document(
            decide(situation, candidates),
            decision_id=kept.decision_id,
            ruleset_hash=kept.ruleset_hash,
            inputs_hash=kept.inputs_id,
            dry_run=False,
        )
    )


def answer(
    kept: Decision, again: str | None, *, reason: str | None, detail: str, then: dict[str, str]
) -> dict[str, Any]:
    return {
        "decision_id": kept.decision_id,
        "identical": reason is None,
        "reason": reason,
        "detail": detail,
        "sha256": kept.sha256,
        "replayed_sha256": again,
        "versions": {"then": then, "now": versions()},
    }
