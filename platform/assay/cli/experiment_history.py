"""`experiment history`: what earlier analyses found."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from assay.cli import common

if TYPE_CHECKING:
    from assay.jobs.experiments.history import Analysis


@click.command("history")
@click.argument("name")
@common.format_option("text", "json")
@common.project_option
@common.command
def command(name: str, format: str, project: Path) -> None:
    """Every stored analysis of the experiment NAME, oldest first."""
    from assay.jobs.experiments.history import history

    with common.session(project, show=False) as context:
        found = history(context, name)
    if format == "json":
        common.print_json({"experiment": name, "analyses": [each.as_dict() for each in found]})
    elif found:
        click.echo(_text(found), nl=False)
    else:
        click.echo(f"No analysis of '{name}' is stored. Run: platform experiment analyze {name}")


def _text(found: list[Analysis]) -> str:
    from assay.report.format import show_p, show_signed
    from assay.report.text import table

    rows = [
        (
            f"{each.at:%Y-%m-%d %H:%M}",
            str(each.until),
            each.verdict.replace("_", " "),
            f"{result['metric']} of {result['variant']}",
            show_signed(result["relative"]),
            f"{show_signed(result['relative_low'])} … {show_signed(result['relative_high'])}",
            show_p(result["pvalue_adjusted"]),
            each.version,
            result["meaning"][:8],
        )
        for each in found
        for result in each.results
        if result["role"] == "primary"
    ]
    headers = ("analysed at", "until", "verdict", "primary metric", "change", "interval", "p", "version", "meaning")
    return table(headers, rows)
