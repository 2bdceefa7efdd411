from __future__ import annotations

from datetime import date
from pathlib import Path

import click

from assay.cli import common
from assay.errors import CheckFailed


@click.command("run")
@click.argument("names", nargs=-1)
@common.start_option
@common.end_option
@click.option("--max-rows", type=click.IntRange(1), help="Refuse, before anything runs, to read more rows than this.")
@common.format_option("text", "json")
@common.project_option
@common.command
def command(
    names: tuple[str, ...], start: date | None, end: date | None, max_rows: int | None, format: str, project: Path
) -> None:
    """Build models and metric states for the days [--from, --to).

    NAMES are sources and models, or patterns such as 'fact_*'; all when left out. Without dates, from the last stored
    day less the lateness to the last full day. Running the same days again leaves the same rows.
    """
    from assay.jobs.outputs.boards.after_run import keep_fresh
    from assay.jobs.runs.materialize import run

    with common.session(project, show=format == "text") as context:
        result = keep_fresh(context, run(context, names, start, end, max_rows))
    if format == "json":
        common.print_json(result.as_dict())
    for step in result.steps:
        if step.reason and format == "text":
            word = f"{step.status:<7}" if step.status != "done" else "warning"
            click.echo(f"{word} {step.name} {step.partition}: {step.reason}", err=True)
    if format == "text":
        rows, seconds = sum(step.rows for step in result.steps), sum(step.seconds for step in result.steps)
        click.echo(f"{result.start} to {result.end}: {len(result.steps)} steps, {rows:,} rows, {seconds:.1f} s")
    if not result.ok:
        raise click.exceptions.Exit(CheckFailed.exit_code)
