from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import click

from assay.cli import common

if TYPE_CHECKING:
    from assay.catalog.plan import Change, Plan, Reader
    from assay.errors import Diagnostic

CHANGES = 2  # as of `terraform plan -detailed-exitcode`; wrong usage has the same code, and says so on standard error
_LISTED = 12  # names of one kind in a text; JSON has all of them
_SHOWN = 40
_WORDS = {
    "meaning": "changes its meaning",
    "removed": "is removed",
    "renamed": "is renamed",
    "new": "is new",
    "text": "text only",
}

accept_option = click.option(
    "--accept", multiple=True, metavar="EXPERIMENT", help="Let the metrics of a running experiment change."
)


@click.command("plan")
@click.option("--against", metavar="REV", help="Compare with a git revision instead of what was applied.")
@click.option("--price", is_flag=True, help="Ask the warehouse for the days and rows of the back-fill.")
@accept_option
@common.format_option("text", "json", "github")
@common.project_option
@common.command
def command(against: str | None, price: bool, accept: tuple[str, ...], format: str, project: Path) -> None:
    """Show what the definitions change against what was applied, and what reads it.

    Nothing is opened but files, unless --price is given. The exit code is 0 when there is nothing to do and 2 when
    there are changes; definitions with mistakes are 1.
    """
    from assay.jobs.changes import plan as jobs

    gc.disable()  # definitions live to the end: looking for garbage among them takes a quarter of the time
    loaded = common.load(project)
    if price:
        with common.session(project, show=False) as context:
            found = jobs.priced(context, against, accept)
    else:
        found = jobs.plan(loaded.catalog, common.now(), against, accept)
    show(found, format, loaded.root)
    if found.changes:
        raise click.exceptions.Exit(CHANGES)


def show(plan: Plan, format: str, root: Path) -> None:
    """Print a plan in the format asked for."""
    if format == "json":
        common.print_json(plan.as_dict())
    elif format == "text":
        click.echo(text(plan))
    else:
        from assay.config import render
        from assay.jobs.changes.revision import prefix

        click.echo(render.github(remarks(plan), prefix(root)), nl=False)


def text(plan: Plan) -> str:
    """A plan for a terminal."""
    if plan.first and not plan.refused:
        return f"Nothing was applied yet: all {len(plan.changes)} definitions are new. {_end(plan)}"
    if not plan.changes:
        return f"Nothing to do: the definitions are {f'those of {plan.against}' if plan.against else 'as applied'}."
    lines = [line for change in plan.changes[:_SHOWN] for line in _change(change)]
    more = [f"… and {len(plan.changes) - _SHOWN} more"] if len(plan.changes) > _SHOWN else []
    refused = [f"refused: {each.experiment.name}: {each.reason}" for each in plan.refused]
    notes = [f"note: {each}" for each in plan.notes] + [f"no longer defined: {each}" for each in plan.drops]
    return "\n".join([*lines, *more, *refused, *notes, "", f"{_counts(plan)}. {_end(plan)}"])


def _change(change: Change) -> Iterator[str]:
    old = f" from {change.renamed_from}" if change.renamed_from else ""
    yield f"{change.kind} {change.name}: {_WORDS[change.what]}{old}  ({change.entry.path}:{change.entry.line})"
    if change.what == "text":
        return
    along = [each for each in change.readers if each.status == "changes"]
    others = [each for each in change.readers if each.status != "changes"]
    if along:
        yield f"  changes along: {names(along)}"
    if others:
        yield f"  read by: {readers(others)}"
    if change.backfill.days:
        yield f"  back-fill: {_amount(change.backfill.days, change.backfill.rows)}"


def readers(found: Iterable[Reader]) -> str:
    """`experiments a (running), b (ended); alert c`."""
    groups = [(kind, list(group)) for kind, group in groupby(found, key=lambda each: each.kind)]
    return "; ".join(f"{kind}{'s' if len(group) > 1 else ''} {names(group)}" for kind, group in groups)


def names(found: list[Reader]) -> str:
    shown = [f"{each.name} ({each.status})" if each.kind == "experiment" else each.name for each in found[:_LISTED]]
    return ", ".join(shown) + (f" and {len(found) - _LISTED} more" if len(found) > _LISTED else "")


def _counts(plan: Plan) -> str:
    found = [each.what for each in plan.changes]
    return ", ".join(f"{found.count(what)} {what}" for what in dict.fromkeys(found))


def _end(plan: Plan) -> str:
    if plan.backfill.days is None:
        return "'platform plan --price' asks the warehouse what the back-fill costs."
    if not plan.backfill.days:
        return "No back-fill: nothing runs."
    return f"Back-fill: {_amount(plan.backfill.days, plan.backfill.rows)}."


def _amount(days: int, rows: int | None) -> str:
    return f"{days} {'day' if days == 1 else 'days'}, {'unknown' if rows is None else f'{rows:,}'} rows to read"


def remarks(plan: Plan) -> Iterator[Diagnostic]:
    """What a reviewer should see beside the lines: changed meanings, what is gone, and what is refused."""
    from assay.errors import Diagnostic, Location
    from assay.jobs.changes.apply import refusals

    for change in plan.changes:
        if change.what in ("meaning", "removed"):
            yield Diagnostic(
                "W301",
                f"{change.name} {_WORDS[change.what]}; read by {readers(change.readers) or 'nothing'}.",
                "Whoever reads it sees other numbers than before.",
                "Nothing, if it is meant. 'platform plan --price' tells what the back-fill costs.",
                Location(change.entry.path, change.entry.line),
                "warning",
            )
    yield from refusals(plan)
