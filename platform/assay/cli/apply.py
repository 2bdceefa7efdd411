from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from assay.cli import common
from assay.cli.plan import accept_option, show
from assay.errors import CheckFailed

if TYPE_CHECKING:
    from assay.jobs.changes.apply import Applied


@click.command("apply")
@accept_option
@common.format_option("text", "json")
@common.project_option
@common.command
def command(accept: tuple[str, ...], format: str, project: Path) -> None:
    """Build exactly the stored days that the definitions change, and remember the definitions as applied.

    'platform plan' shows what would happen. When a build fails, nothing is remembered, and the next apply goes on.
    """
    from assay.jobs.changes.apply import apply
    from assay.jobs.changes.plan import priced

    with common.session(project, show=format == "text") as context:
        plan = priced(context, accept=accept)
        if format == "text":
            show(plan, format, context.root)
        result = apply(context, plan)
    if format == "json":
        common.print_json(result.as_dict())
    else:
        _print(result)
    if not result.ok:
        raise click.exceptions.Exit(CheckFailed.exit_code)


def _print(result: Applied) -> None:
    for step in result.steps:
        if step.status != "done":
            click.echo(f"failed  {step.name} {step.partition}: {step.reason}", err=True)
    rows, seconds = sum(step.rows for step in result.steps), sum(step.seconds for step in result.steps)
    done = f"{len(result.steps)} steps, {rows:,} rows, {seconds:.1f} s"
    click.echo(f"Applied: {done}" if result.ok else f"Not applied: {done}")
