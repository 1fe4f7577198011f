"""From plain values to the typed document. A fault in one place does not hide those in the others."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any, Final

from pydantic import ValidationError

from worlds.domain.policy.checks import findings_in
from worlds.domain.policy.document import Policy
from worlds.domain.policy.faults import Finding, Path
from worlds.domain.policy.messages import finding_sets

_ROUNDS: Final = 5


def build(document: dict[Any, Any], *, known_bad: Iterable[Path] = ()) -> tuple[Policy | None, list[Finding]]:
    """The policy and what is wrong with it; it is good only where nothing is.

    What is faulty is taken out, and what remains is looked at again: the checks that need a sound document
    then run over the sound part of it.
    """
    removed: set[Path] = {_entry_of(path) for path in known_bad}
    findings: list[Finding] = []
    for _ in range(_ROUNDS):
        rest = without(document, removed)
        try:
            policy = Policy.model_validate(rest)
        except ValidationError as error:
            more, bad = finding_sets(error, rest)
            findings += more
            removed |= {_entry_of(path) for path in bad}
            if () in removed:
                return None, findings
        else:
            return policy, findings + [
                finding for finding in findings_in(policy, rest) if not _rests_on(finding, removed)
            ]
    return None, findings


def without(document: dict[Any, Any], paths: Iterable[Path]) -> dict[Any, Any]:
    """A copy of the document that lacks the entries at `paths`."""
    rest = copy.deepcopy(document)
    for path in paths:
        container: Any = rest
        for part in path[:-1]:
            if not isinstance(container, dict) or part not in container:
                break
            container = container[part]
        else:
            if path and isinstance(container, dict):
                container.pop(path[-1], None)
    return rest


def _entry_of(path: Path) -> Path:
    """The entry of a mapping to remove for a fault at `path`: for an item of a list, the whole list."""
    for index, part in enumerate(path):
        if isinstance(part, int):
            return path[:index]
    return path


def _rests_on(finding: Finding, removed: set[Path]) -> bool:
    """Was the finding drawn from an entry that is gone (and now has its default)?"""
    return any(path[: len(gone)] == gone for path in (finding.path, *finding.concerns) for gone in removed)
