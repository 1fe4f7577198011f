from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from evaluation.domain.policy_diff import to_markdown
from evaluation.services import compare_policies, policy_impact
from qmtl_site.http.documents import dump
from qmtl_site.http.refusals import Refusal
from worlds.domain.policy import Policy, PolicyRefused, load_policy

TOO_MUCH = 3
"""Exit status above --fail-impact-ratio; what cannot be asked at all ends with 1 or 2."""


class Command(BaseCommand):
    """Tell what a policy would change: a version of a world, or one file against another over scenarios.

    Nothing is written. Ends with status 3 where the impact ratio is above --fail-impact-ratio.
    """

    help = __doc__ or ""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        # Django's own --version gives way: here it is the policy's.
        return super().create_parser(prog_name, subcommand, conflict_handler="resolve", **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--world", help="World id, with --version")
        parser.add_argument("--version", type=int, help="Policy version that is asked about")
        parser.add_argument("--days", type=days, default=90, help="Runs judged in the last so many days (90)")
        parser.add_argument("--old", type=Path, help="Policy file in force, with --new and without --world")
        parser.add_argument("--new", type=Path, help="Policy file that is asked about")
        parser.add_argument(
            "--scenarios", nargs="+", help="good, borderline, bad, known_bad or all (of files: all)"
        )
        parser.add_argument("--fail-impact-ratio", type=ratio, help="0..1; above it the command fails")
        parser.add_argument("--format", choices=["json", "markdown"], default="markdown")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            impact = of_files(options) if options["old"] or options["new"] else of_world(options)
        except Refusal as refused:
            raise CommandError(refused.detail) from None
        shown = dump(impact).decode() if options["format"] == "json" else to_markdown(impact)
        self.stdout.write(shown)
        allowed = options["fail_impact_ratio"]
        if allowed is not None and impact["impact_ratio"] > allowed:
            raise CommandError(
                f"The impact ratio {impact['impact_ratio']:.4f} is above {allowed:g}", returncode=TOO_MUCH
            )


def of_world(options: Mapping[str, Any]) -> dict[str, Any]:
    if options["world"] is None or options["version"] is None:
        raise CommandError("Say --world and --version, or --old and --new", returncode=2)
    return policy_impact(
        world_id=options["world"],
        version=options["version"],
        days=options["days"],
        scenarios=options["scenarios"],
    )


def of_files(options: Mapping[str, Any]) -> dict[str, Any]:
    old, new = options["old"], options["new"]
    if old is None or new is None or options["world"] is not None or options["version"] is not None:
        raise CommandError("Say --old and --new together, without --world and --version", returncode=2)
    return compare_policies(
        old=policy_in(old),
        new=policy_in(new),
        names={"old": str(old), "new": str(new)},
        scenarios=options["scenarios"] or ["all"],
    )


def policy_in(path: Path) -> Policy:
    try:
        return load_policy(path.read_bytes(), media="json" if path.suffix == ".json" else "yaml")
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}") from None
    except PolicyRefused as refused:
        raise CommandError(f"{path} is no policy:\n{refused}") from None


def days(text: str) -> int:
    if not 1 <= (number := int(text)) <= 3650:
        raise ValueError
    return number


def ratio(text: str) -> float:
    if not 0 <= (number := float(text)) <= 1:
        raise ValueError
    return number
