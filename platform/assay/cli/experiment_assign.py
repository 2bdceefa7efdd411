"""`experiment assign` and `experiment salt`: who gets which variant, and by which salt."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from assay.cli import common
from assay.errors import UsageError

if TYPE_CHECKING:
    from assay.jobs.experiments.assign import Assigned
    from assay.jobs.experiments.salt import Searched

OUTSIDE = "not in the traffic"


class Days(click.ParamType[tuple[date, date]]):
    """A half-open range such as 2025-07-19..2025-07-26."""

    name = "day..day"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[date, date]:
        from assay.config.base import parse_date_range

        try:
            return parse_date_range(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


@click.command("assign")
@click.argument("name")
@click.argument("units", nargs=-1)
@click.option("--file", type=click.Path(path_type=Path), help="A CSV file with a unit in the first column of each row.")
@click.option("--header", is_flag=True, help="The first row of the file holds names.")
@click.option("--sql", is_flag=True, help="Print the SQL of the variant's name, for a backend or a warehouse.")
@common.format_option("text", "json", "csv")
@common.project_option
@common.command
def assign(
    name: str, units: tuple[str, ...], file: Path | None, header: bool, sql: bool, format: str, project: Path
) -> None:
    """The variant of each of UNITS in the experiment NAME, from its salt: no warehouse is asked."""
    from assay.jobs.experiments.assign import assigned, assignment_sql

    catalog = common.load(project).catalog
    if sql:
        found = assignment_sql(catalog, name)
        common.print_json({"experiment": name, "sql": found}) if format == "json" else click.echo(found)
        return
    every = [*units, *(_read(file, header) if file else ())]
    if not every:
        raise UsageError.of(
            "E601",
            "There are no units to assign.",
            why="A unit is named on the command line or in a file.",
            fix=f"Write, for example, platform experiment assign {name} 1001 1002, or --file ids.csv.",
        )
    _print(assigned(catalog, name, every), format)


def _read(file: Path, header: bool) -> Iterator[str]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            rows = csv.reader(lines)
            if header:
                next(rows, None)
            yield from (row[0] for row in rows if row)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError.of(
            "E601",
            f"{file} cannot be read: {error}.",
            why="It holds the units, as UTF-8.",
            fix="Name a CSV file in UTF-8 with --file; other bytes are assigned by the SQL alone, see --sql.",
        ) from error


def _print(found: Assigned, format: str) -> None:
    from assay.report.text import csv as as_csv
    from assay.report.text import table

    if format == "json":
        common.print_json(found.as_dict())
    elif format == "csv":
        click.echo(as_csv(("unit", "variant"), found.variants), nl=False)
    else:
        rows = [(unit, variant or OUTSIDE) for unit, variant in found.variants]
        click.echo(table(("unit", "variant"), rows), nl=False)


@click.command("salt")
@click.argument("name")
@click.option("--tries", type=click.IntRange(1, 10_000), default=200, show_default=True, help="How many salts to try.")
@click.option("--on", "window", type=Days(), help="The days of history, the end excluded: DAY..DAY.")
@common.format_option("text", "json")
@common.project_option
@common.command
def salt(name: str, tries: int, window: tuple[date, date] | None, format: str, project: Path) -> None:
    """The salt whose variants of the experiment NAME were most alike before the start."""
    from assay.jobs.experiments.salt import best_salt

    with common.session(project, show=format == "text") as context:
        found = best_salt(context, name, tries, window)
    if format == "json":
        common.print_json(found.as_dict())
    else:
        click.echo(_text(found))


def _text(answer: Searched) -> str:
    from assay.report.format import show_p
    from assay.report.text import table

    found = answer.found
    rows = [
        (
            what,
            each.salt,
            "–" if each.imbalance is None else f"{each.imbalance:.4f}",
            f"{each.feature} of {each.variant}" if each.feature else "a variant is empty",
            ", ".join(f"{variant} {count:,}" for variant, count in each.counts.items()),
            show_p(each.srm),
        )
        for what, each in (("best", found.best), ("present", found.present))
    ]
    headers = ("", "salt", "imbalance", "most unlike", "units", "SRM p")
    return "\n\n".join(filter(None, (
        f"{answer.experiment}, history from {answer.start} to {answer.end}: {answer.units:,} units",
        table(headers, rows).rstrip(),
        _among(answer),
        "\n".join(f"Not balanced: {each}." for each in answer.skipped),
        "\n".join(answer.notes),
    )))  # fmt: skip


def _among(answer: Searched) -> str:
    """Where the present salt stands among the others, so that luck is seen as luck."""
    found = answer.found
    rank = "" if found.rank is None else f" {found.rank:.0%} of them are at least as balanced as the present one."
    return (
        f"Imbalance is the largest difference from the control, in standard deviations of a unit, over "
        f"{', '.join(answer.features)}.\n"
        f"{found.tried} salts tried, {found.rejected} rejected (a variant empty, or SRM p < 0.01); "
        f"the median of the others is {found.median:.4f}.{rank}"
    )
