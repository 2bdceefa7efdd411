from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from assay.cli import common
from assay.errors import CheckFailed

if TYPE_CHECKING:
    from assay.jobs.storage.check_results import Result


@click.command("check")
@click.argument("names", nargs=-1)
@common.start_option
@common.end_option
@common.format_option("text", "json")
@common.project_option
@common.command
def command(names: tuple[str, ...], start: date | None, end: date | None, format: str, project: Path) -> None:
    """Check the stored days [--from, --to) again and build nothing.

    NAMES are sources and metrics; all with checks when left out. Without dates, the last seven stored days.
    """
    from assay.jobs.runs.check import check

    with common.session(project, show=False) as context:
        result = check(context, names, start, end)
    if format == "json":
        common.print_json(result.as_dict())
    else:
        click.echo(_text(result.results), nl=False)
        click.echo(f"{result.start} to {result.end}: {_counts(result.results) or 'no checks'}")
    if not result.ok:
        raise click.exceptions.Exit(CheckFailed.exit_code)


def _text(found: Iterable[Result]) -> str:
    """A line per check: how many days it passed, and the first day that it did not."""
    from assay.report.text import table

    checks: dict[tuple[str, ...], list[Result]] = {}
    for each in found:
        checks.setdefault((each.kind, each.subject, each.check, each.severity), []).append(each)
    return table(
        ("kind", "name", "check", "severity", "result", "note"),
        [(*name, _counts(results), _note(results)) for name, results in checks.items()],
    )


def _counts(found: Iterable[Result]) -> str:
    return ", ".join(f"{count} {status}" for status, count in sorted(Counter(each.status for each in found).items()))


def _note(found: Iterable[Result]) -> str:
    wrong = sorted((each for each in found if each.status != "passed"), key=lambda each: (each.status, each.first))
    return f"{wrong[0].days}: {wrong[0].message}" if wrong else ""
