from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING

import click

from assay.cli import common
from assay.errors import DefinitionsError

if TYPE_CHECKING:
    from assay.config.cache import Outcome


@click.command("validate")
@click.option("--engine", is_flag=True, help="Also run the compiled SQL on empty tables of the declared schema.")
@common.format_option("text", "json", "github", "short")
@common.project_option
@common.command
def command(engine: bool, format: str, project: Path) -> None:
    """Find every mistake in the definitions, all at once.

    Nothing is opened but the files; when none has changed, the answer comes from the cache.
    """
    from assay.config import cache
    from assay.config.root import find_root

    root = find_root(project)
    now = common.now()
    outcome = cache.outcome(root, now.timestamp()) or _validate(root, now)
    if engine and not _wrong(outcome):
        outcome = _rehearse(root, outcome)
    _print(outcome, root, format)
    if _wrong(outcome):
        raise click.exceptions.Exit(DefinitionsError.exit_code)


def _wrong(outcome: Outcome) -> bool:
    return any(each.severity == "error" for each in outcome.diagnostics)


def _validate(root: Path, now: datetime) -> Outcome:
    from assay.config import cache
    from assay.project import check

    checked = check(root, now)
    until = checked.until.timestamp() if checked.until else inf
    outcome = cache.Outcome(len(checked.catalog.definitions), checked.diagnostics, until)
    cache.store(root, outcome, checked.inputs)
    return outcome


def _rehearse(root: Path, outcome: Outcome) -> Outcome:
    from assay.jobs.setup.rehearse import rehearse

    return replace(outcome, diagnostics=(*outcome.diagnostics, *rehearse(common.load(root).catalog)))


def _print(outcome: Outcome, root: Path, format: str) -> None:
    if format == "text" and not outcome.diagnostics:
        click.echo(f"{outcome.definitions} definitions are valid.")
        return
    from assay.config import render

    shown = {
        "text": lambda: render.text(outcome.diagnostics, render.from_files(root)),
        "json": lambda: render.as_json(outcome.diagnostics, outcome.definitions),
        "github": lambda: render.github(outcome.diagnostics),
        "short": lambda: render.short(outcome.diagnostics),
    }[format]()
    if shown:
        click.echo(shown.rstrip("\n"))
