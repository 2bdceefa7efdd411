"""`experiment report`: a page, a Markdown document and a summary for a chat."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from assay.cli import common

if TYPE_CHECKING:
    from assay.jobs.outputs.experiment_report import ExperimentReport, Format


@click.command("report")
@click.argument("name")
@click.option(
    "--format", "format", type=click.Choice(("html", "markdown", "text")), help="Only this format (default: all)."
)
@click.option(
    "--out", type=click.Path(path_type=Path), help="The file or the folder to write (default: <target>/experiments)."
)
@common.until_option
@common.project_option
@common.command
def command(name: str, format: Format | None, out: Path | None, until: date | None, project: Path) -> None:
    """Write the read-out of the experiment NAME for people: a page that opens from disk, Markdown, and a summary.

    Markdown and text go to the standard output unless --out says where. The end of a file's name (.html, .md, .txt)
    is a format, too. The analysis is stored.
    """
    from assay.jobs.outputs.experiment_report import default_folder, format_of, report

    with common.session(project, show=False) as context:
        made, folder = report(context, name, until), default_folder(context)
    chosen = format or format_of(out)
    if chosen in ("markdown", "text") and out is None:
        click.echo(made.texts[chosen], nl=False)
        return
    for path in _written(made, chosen, out, folder):
        click.echo(str(path))


def _written(made: ExperimentReport, chosen: Format | None, out: Path | None, folder: Path) -> list[Path]:
    from assay.jobs.outputs.experiment_report import save, write

    if chosen is None:
        return write(made, out or folder)
    if out is None or out.is_dir():
        return write(made, out or folder, [chosen])
    return [save(made.texts[chosen], out)]
