from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import click

from assay.cli import common
from assay.errors import UsageError

PROJECT = """\
# Settings of the whole project. Every command finds this file by walking upwards.
name: {name}
timezone: {timezone:<25} # days are local; storage is UTC
warehouse:
  dsn: {dsn}
  database: assay                   # the only database that Assay writes to
"""
EMBEDDED = (
    "chdb://target/warehouse      # embedded; a server: clickhouses://user:${CLICKHOUSE_PASSWORD}@host:8443/product"
)
FROM_ENVIRONMENT = "  # the password comes from the environment, escaped as in an address: %40 for @"
FILES = {
    "metrics/sources.yaml": """\
# A source is a table of events: one row per event, with a time and the ids of who did what.
sources:
  events:
    table: events
    time: time
    entities: {user: user_id}
    dimensions: {country: country}
    columns: {user_id: UInt64, time: "DateTime('UTC')", action: String, country: String}
""",
    "metrics/metrics.yaml": """\
metrics:
  events_total: {type: count, source: events, label: Events, good: up}
  dau: {type: unique, source: events, of: user, label: Daily users, good: up, tier: 1}
  events_per_user: {type: ratio, numerator: events_total, denominator: dau, label: Events per user, good: up}
dashboards:
  main:
    tabs:
      overview: {label: Overview, metrics: [dau, events_total, events_per_user], by: [country]}
""",
    "alerts/alerts.yaml": """\
alerts:
  users_15m:
    metrics: [dau]
    every: 15m
    detector: {type: mad, history: 30d, threshold: 4.5}
    min_change: 20%
    explain: [country]
    route: outbox
routes:
  outbox: {outbox: {path: target/outbox}}
reports:
  daily:
    title: Daily report
    route: outbox
    blocks:
      - {type: cards, title: Users, metrics: [dau, events_total, events_per_user]}
""",
}


@click.command("init")
@click.argument("folder", type=click.Path(path_type=Path), default=Path())
@click.option("--from", "dsn", help="Read the tables at this address, such as clickhouses://reader@host:8443/product.")
@click.option("--table", "tables", multiple=True, help="[DATABASE.]TABLE of events; may be given several times.")
@click.option("--timezone", default="UTC", show_default=True, help="The zone of days.")
@common.command
def command(folder: Path, dsn: str | None, tables: tuple[str, ...], timezone: str) -> None:
    """Create a small project in FOLDER that validates.

    With --from and --table it is made for tables that exist: their columns and a sample of their rows are read, and
    sources, dimensions, metrics, a dashboard, an alert and a report are proposed, each with its reason. Nothing is
    written to the warehouse.
    """
    _check(dsn, tables, timezone)
    _refuse(folder, ("project.yaml", ".gitignore"))
    address, files = (EMBEDDED, FILES) if dsn is None else _proposed(dsn, tables, timezone, folder)
    settings = PROJECT.format(name=_text(_title(folder)), timezone=timezone, dsn=address)
    _write(folder, {"project.yaml": settings, **files})
    click.echo(f"Created a project in {folder.resolve()}.")
    if dsn is not None and address.endswith(FROM_ENVIRONMENT):
        click.echo("The password was not written down. First: export CLICKHOUSE_PASSWORD=…")
    look = "edit metrics/sources.yaml" if dsn is None else "read what was proposed, and correct it"
    click.echo(f"Next: {look}, then 'platform validate --project {folder}'.")


def _check(dsn: str | None, tables: tuple[str, ...], timezone: str) -> None:
    from zoneinfo import ZoneInfo

    if (dsn is None) == bool(tables):
        raise UsageError.of(
            "E601",
            "--from and --table go together.",
            why="One says where ClickHouse is, the other which tables hold events.",
            fix="platform init my-project --from clickhouses://reader@host:8443/product --table events",
        )
    try:
        ZoneInfo(timezone)
    except (KeyError, ValueError, OSError):
        raise UsageError.of(
            "E601",
            f"'{timezone}' is not a time zone.",
            why="Days are cut by its clock.",
            fix="Name one of the IANA database, such as Europe/Moscow or UTC.",
        ) from None


def _proposed(dsn: str, tables: tuple[str, ...], timezone: str, folder: Path) -> tuple[str, dict[str, str]]:
    """The address as project.yaml keeps it, and the files of the proposal."""
    from assay.config.scaffold import document
    from assay.engine import connect
    from assay.jobs.setup import address, starter

    opened = address.opened(dsn, os.environ)
    with connect(opened) as engine:
        subjects = starter.read(engine, tables, opened.database, timezone)
    found = starter.files(subjects, _title(folder), common.now())
    kept = address.kept(dsn, opened, folder)
    note = FROM_ENVIRONMENT if address.PASSWORD in kept else ""
    return _text(kept) + note, {path: document(each) for path, each in found.items()}


def _title(folder: Path) -> str:
    return folder.resolve().name


def _text(value: str) -> str:
    """A value of project.yaml, in quotes where YAML needs them."""
    from assay.config.scaffold import flow

    return flow(value)


def _write(folder: Path, files: Mapping[str, str]) -> None:
    """Writes every file below `folder`, or none: what is there is never changed."""
    from assay.config.editor import schema_line, write_schemas

    files = {path: f"{schema_line(path)}\n{text}" for path, text in files.items()} | {".gitignore": "target/\n"}
    _refuse(folder, files)
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    (folder / "experiments").mkdir(exist_ok=True)
    write_schemas(folder)


def _refuse(folder: Path, names: Iterable[str]) -> None:
    there = [name for name in names if (folder / name).exists()]
    if there:
        raise UsageError.of(
            "E601",
            f"{', '.join(there)} would be overwritten.",
            why="Nothing of yours is changed.",
            fix="Choose another folder.",
        )
