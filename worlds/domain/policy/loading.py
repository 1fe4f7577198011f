"""From what was handed in to a policy, or to every fault that it has."""

from __future__ import annotations

from typing import Final, Literal

from worlds.domain.policy import plain
from worlds.domain.policy.building import build
from worlds.domain.policy.document import Policy
from worlds.domain.policy.faults import Finding, PolicyFault, PolicyRefused
from worlds.domain.policy.json_text import read_json
from worlds.domain.policy.places import Places, Reading, Unreadable
from worlds.domain.policy.yaml_text import read_yaml

MAX_POLICY_BYTES: Final = 256 * 1024
MAX_FAULTS: Final = 100


def load_policy(text: str | bytes, *, media: Literal["yaml", "json"]) -> Policy:
    """The policy that `text` says.

    Raises `PolicyRefused`, and nothing else whatever comes in, with every fault found and its place.
    """
    try:
        decoded = _decode(text)
        reading = read_json(decoded) if media == "json" else read_yaml(decoded)
    except Unreadable as error:
        raise PolicyRefused([error.fault]) from None
    return _policy_of(reading)


def policy_from_document(document: object) -> Policy:
    """The policy that an already parsed JSON value says.

    Raises `PolicyRefused` with every fault found; without text there are no lines and columns.
    """
    return _policy_of(Reading(document, Places()))


def _decode(text: str | bytes) -> str:
    try:
        data = text.encode() if isinstance(text, str) else bytes(text)
        if len(data) > MAX_POLICY_BYTES:
            raise Unreadable(f"a policy is at most {MAX_POLICY_BYTES} bytes, this is {len(data)}")
        decoded = data.decode()
    except UnicodeError:
        raise Unreadable("not valid UTF-8") from None
    if "\0" in decoded:
        line = decoded.count("\n", 0, decoded.index("\0")) + 1
        raise Unreadable("NUL characters are not allowed", line)
    return decoded


def _policy_of(reading: Reading) -> Policy:
    if not isinstance(reading.value, dict):
        finding = Finding((), "a policy is a mapping: write `version: 1` and its sections")
        raise PolicyRefused([reading.places.fault(finding)])
    wild = plain.findings_of(reading.value)
    findings = [*reading.findings, *wild]
    if any(not finding.path for finding in wild):
        raise PolicyRefused(_faults(findings, reading))
    policy, more = build(reading.value, known_bad=[finding.path for finding in wild])
    findings += more
    if findings or policy is None:
        raise PolicyRefused(_faults(findings, reading))
    return policy


def _faults(findings: list[Finding], reading: Reading) -> list[PolicyFault]:
    """As faults, in the order of the text, without repetitions."""
    faults = [reading.places.fault(finding) for finding in findings]
    distinct = list({(fault.pointer, fault.message): fault for fault in faults}.values())
    distinct.sort(key=lambda fault: (fault.line or 0, fault.column or 0))
    return distinct[:MAX_FAULTS]
