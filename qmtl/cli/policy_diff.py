"""`qmtl policy-diff`: two policy files over a folder of stored runs, as a step of CI.

The rules are the service's alone: figures are sent to it, compared there, and not kept. No world is needed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from qmtl.cli.command import command
from qmtl.cli.failures import UsageError
from qmtl.cli.files import read_text, write_file
from qmtl.cli.impact import RATIO, end_above, impact_shown
from qmtl.cli.impact_markdown import to_markdown
from qmtl.cli.session import Session

BATCH_BYTES = 8 * 1024 * 1024
BATCH_RUNS = 10_000
MOST_CHANGES = 500
Stage = Literal["backtest", "paper", "live"]
STAGES = frozenset({"backtest", "paper", "live"})
PROFILES = {"backtest_only": "backtest", "paper_only": "paper", "paper_ok_live_candidate": "live"}
"""Names that a policy may give to the profiles of stages (spec 04), besides the stages' own."""


def register(app: typer.Typer) -> None:
    example = (
        "qmtl policy-diff --old old.yaml --new new.yaml --runs-dir .qmtl_snapshots --fail-impact-ratio 0.05"
    )
    command(app, "policy-diff", example=example)(policy_diff)


def policy_diff(
    session: Session,
    old: Annotated[str, typer.Option(metavar="FILE", help="The policy in force.", show_default=False)],
    new: Annotated[
        str, typer.Option(metavar="FILE", help="The one that is asked about.", show_default=False)
    ],
    runs_dir: Annotated[
        str | None, typer.Option(metavar="DIR", help="Snapshots or metrics documents, as JSON.")
    ] = None,
    runs_pattern: Annotated[str, typer.Option(metavar="GLOB", help="Which files of it.")] = "*.json",
    stage: Annotated[
        Stage | None,
        typer.Option(
            metavar="STAGE",
            help="Only runs of this stage (backtest, paper, live); one that does not tell its own counts as it.",
        ),
    ] = None,
    scenarios: Annotated[
        list[str] | None,
        typer.Option(metavar="SET", help="Also over shipped sets: good, borderline, bad, known_bad or all."),
    ] = None,
    fail_impact_ratio: RATIO = None,
) -> None:
    """Compare two policy files over stored runs: which verdicts and stages change, and why.

    The service judges; no world is needed, and nothing is kept. --output FILE.md writes Markdown.
    Ends with 1 where more than --fail-impact-ratio of the runs change.
    """
    if runs_dir is None and not scenarios:
        raise typer.BadParameter("say --runs-dir DIR, or --scenarios all")
    texts = {"old": policy_text(old), "new": policy_text(new)}
    runs = list(stored_runs(runs_dir, runs_pattern, stage)) if runs_dir is not None else []
    parts = [
        session.client.compare_policies(**texts, runs=batch, scenarios=scenarios if place == 0 else None)
        for place, batch in enumerate(batches(runs))
    ]
    found = {"policy": {"old": old, "new": new}, **together(parts)}
    if found["lacks_series"]:
        session.note(
            "Gates ask for figures of the returns themselves, which snapshots lack: they were unknown."
        )
    if session.output is not None and session.output.endswith(".md"):
        session.note(f"written to {write_file(session.output, to_markdown(found))}")
    else:
        impact_shown(session, found)
    end_above(session, found["impact_ratio"], fail_impact_ratio)


# --- what is sent ---------------------------------------------------------------------------------------------
def policy_text(name: str) -> dict[str, str]:
    return {"text": read_text(name), "media": "json" if name.endswith(".json") else "yaml"}


def stored_runs(folder: str, pattern: str, stage: Stage | None) -> Iterator[dict[str, Any]]:
    """The judged runs of a folder. UsageError for one without any, and for a file that is none."""
    if not Path(folder).is_dir():
        raise UsageError(f"there is no folder {folder}")
    paths = sorted(path for path in Path(folder).glob(pattern) if path.is_file())
    if not paths:
        raise UsageError(f"{folder} has no file {pattern}", next_step="Say which with --runs-pattern GLOB.")
    runs = [stored_run(path) for path in paths]
    for run in runs:
        run["stage"] = run["stage"] or stage or "backtest"
    kept = [run for run in runs if stage in {None, run["stage"]}]
    if not kept:
        raise UsageError(f"{folder} has {len(runs)} runs, none of stage {stage}")
    yield from kept


def stored_run(path: Path) -> dict[str, Any]:
    """What a verdict rests on, of a snapshot or of a metrics document."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        metrics = document.get("metrics", document)
        evaluation, validation = metrics["evaluation"], metrics.get("validation") or {}
        broken = ((validation.get("results") or {}).get("evaluation") or {}).get("reason_code")
        return {
            "strategy_id": metrics["strategy_id"],
            "run_id": metrics["run_id"],
            "stage": metrics.get("stage") or stage_of(evaluation, validation),
            "evaluation": {name: block for name, block in evaluation.items() if name != "gating"},
            "is_broken": broken == "evaluation.error",
        }
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from None
    except (AttributeError, KeyError, TypeError):
        raise UsageError(f"{path} is neither a snapshot nor a metrics document") from None


def stage_of(evaluation: Mapping[str, Any], validation: Mapping[str, Any]) -> str | None:
    """As far as a stored run tells it: by the profile that it was judged by, or by where its returns come from."""
    profile = str(validation.get("profile") or "")
    if profile in STAGES:
        return profile
    if profile in PROFILES:
        return PROFILES[profile]
    is_live = (evaluation.get("returns") or {}).get("source") == "live_realized"
    return "live" if is_live else None


def batches(runs: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """In requests that the service takes; at least one, for the scenarios."""
    batch: list[dict[str, Any]] = []
    size = 0
    for run in runs:
        weight = len(json.dumps(run))
        if batch and (size + weight > BATCH_BYTES or len(batch) >= BATCH_RUNS):
            yield batch
            batch, size = [], 0
        batch.append(run)
        size += weight
    yield batch


# --- what came back -------------------------------------------------------------------------------------------
def together(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """The answers to several batches as one."""
    runs = parts[0]["runs"]
    for part in parts[1:]:
        runs = added(runs, part["runs"])
    scenarios = parts[0]["scenarios"]
    ratio = max(runs["impact_ratio"], scenarios["impact_ratio"] if scenarios else 0.0)
    lacking = any(part["lacks_series"] for part in parts)
    return {"impact_ratio": ratio, "lacks_series": lacking, "runs": runs, "scenarios": scenarios}


def added(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    count = one["runs"] + other["runs"]
    changes = [*one["changes"], *other["changes"]]
    moves: dict[tuple[str, str], int] = {}
    for move in (*one["moves"], *other["moves"]):
        pair = (move["old"], move["new"])
        moves[pair] = moves.get(pair, 0) + move["runs"]
    changed = {name: one["changed"][name] + other["changed"][name] for name in one["changed"]}
    return {
        "runs": count,
        "impact_ratio": changed["impacted"] / count if count else 0.0,
        "changed": changed,
        **{name: pairs(one[name], other[name]) for name in ("verdicts", "recommended_stages", "reasons")},
        "moves": [
            {"old": old, "new": new, "runs": runs}
            for (old, new), runs in sorted(moves.items(), key=lambda item: (-item[1], item[0]))
        ],
        "changes": changes[:MOST_CHANGES],
        "changes_omitted": one["changes_omitted"] + other["changes_omitted"] + len(changes[MOST_CHANGES:]),
    }


def pairs(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    nothing = {"old": 0, "new": 0}
    return {
        name: {side: one.get(name, nothing)[side] + other.get(name, nothing)[side] for side in nothing}
        for name in [*one, *(name for name in other if name not in one)]
    }
