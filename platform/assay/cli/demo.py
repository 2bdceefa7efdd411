from __future__ import annotations

import shutil
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from assay.cli import common
from assay.errors import DefinitionsError, UsageError

if TYPE_CHECKING:
    from assay.project import Project

FOLDER = Path("assay-demo")


@click.command("demo")
@click.option("--scale", type=float, default=0.1, show_default=True, help="1 is about 72 million events.")
@common.project_option
@common.command
def command(scale: float, project: Path) -> None:
    """Generate the demo product and run everything on it.

    Uses the demo project in this folder; elsewhere it first copies that project to ./assay-demo. Whatever an earlier
    demo left in the project's target folder is removed.
    """
    from assay.demo.events import LAST_DAY
    from assay.jobs.outputs.demo import tell

    begun = time.perf_counter()
    loaded = _demo_project(project)
    _clear(loaded)
    now = datetime.combine(LAST_DAY + timedelta(days=1), datetime.min.time(), ZoneInfo(loaded.catalog.zone))
    with loaded.open(now.replace(hour=11), common.progress()) as context:
        for told in tell(context, scale):
            click.secho(f"\n{told.title}", bold=True)
            for line in told.lines:
                click.echo(f"  {line}")
    seconds, target = time.perf_counter() - begun, loaded.catalog.definitions.project.target
    click.echo(f"\nDone in {seconds:.0f} s. Everything is in {target}.")


def _demo_project(folder: Path) -> Project:
    """The project here, or a copy of the demo project when there is none."""
    from assay.demo.project import copy_to

    try:
        return common.load(folder)
    except DefinitionsError as error:
        if error.diagnostics[0].code != "E106":
            raise
    if not FOLDER.exists():
        copy_to(FOLDER)
        click.echo(f"The demo project was copied to ./{FOLDER}.")
    return common.load(FOLDER)


def _clear(project: Project) -> None:
    """Remove what an earlier demo left. Refuses any warehouse but an embedded one inside the target folder."""
    target = (project.root / project.catalog.definitions.project.target).resolve()
    path = project.dsn.path
    if path is None or not path.is_relative_to(target) or project.root.resolve() not in target.parents:
        raise UsageError.of(
            "E601",
            f"The demo does not write to {project.dsn}.",
            why="It replaces tables, so it only uses an embedded warehouse inside the project's target folder.",
            fix="Unset ASSAY_DSN, or run 'platform demo' in an empty folder.",
        )
    if target.exists():
        shutil.rmtree(target)
