from __future__ import annotations

from pathlib import Path

import click

from assay.cli import common
from assay.errors import CheckFailed


@click.command("doctor")
@common.format_option("text", "json")
@common.project_option
@common.command
def command(format: str, project: Path) -> None:
    """Check this machine, this project and its warehouse. Definitions and tables stay as they are."""
    from assay.doctor import examine

    found = examine(project, common.now())
    if format == "json":
        checks = [{"check": each.name, "status": each.status, "detail": each.detail} for each in found]
        common.print_json({"ok": all(each.status != "fail" for each in found), "checks": checks})
    else:
        for each in found:
            click.echo(f"{each.status:<5} {each.name:<12} {each.detail}")
    if any(each.status == "fail" for each in found):
        raise click.exceptions.Exit(CheckFailed.exit_code)
