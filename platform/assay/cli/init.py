from __future__ import annotations

from pathlib import Path

import click

from assay.cli import common
from assay.errors import UsageError

FILES = {
    "project.yaml": """\
# Settings of the whole project. Every command finds this file by walking upwards.
name: {name}
timezone: UTC                       # days are local; storage is UTC
warehouse:
  dsn: chdb://target/warehouse      # embedded; a server: clickhouses://user:${{CLICKHOUSE_PASSWORD}}@host:8443/product
  database: assay                   # the only database that Assay writes to
""",
    "metrics/sources.yaml": """\
# A source is a table of events: one row per event, with a time and the ids of who did what.
sources:
  events:
    table: events
    time: time
    entities: {{user: user_id}}
    dimensions: {{country: country}}
    columns: {{user_id: UInt64, time: "DateTime('UTC')", action: String, country: String}}
""",
    "metrics/metrics.yaml": """\
metrics:
  events_total: {{type: count, source: events, label: Events, good: up}}
  dau: {{type: unique, source: events, of: user, label: Daily users, good: up, tier: 1}}
  events_per_user: {{type: ratio, numerator: events_total, denominator: dau, label: Events per user, good: up}}
dashboards:
  main:
    tabs:
      overview: {{label: Overview, metrics: [dau, events_total, events_per_user], by: [country]}}
""",
    "alerts/alerts.yaml": """\
alerts:
  users_15m:
    metrics: [dau]
    every: 15m
    detector: {{type: mad, history: 30d, threshold: 4.5}}
    min_change: 20%
    explain: [country]
    route: outbox
routes:
  outbox: {{outbox: {{path: target/outbox}}}}
reports:
  daily:
    title: {name}
    route: outbox
    blocks:
      - {{title: Users, metrics: [dau, events_total, events_per_user]}}
""",
    ".gitignore": "target/\n",
}


@click.command("init")
@click.argument("folder", type=click.Path(path_type=Path), default=Path())
@common.command
def command(folder: Path) -> None:
    """Create a small project in FOLDER that validates, to be filled with your own tables and metrics."""
    there = [name for name in FILES if (folder / name).exists()]
    if there:
        raise UsageError.of(
            "E601",
            f"{', '.join(there)} would be overwritten.",
            why="Nothing of yours is changed.",
            fix="Choose another folder.",
        )
    name = folder.resolve().name
    for path, text in FILES.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text.format(name=name) if path.endswith(".yaml") else text, encoding="utf-8")
    (folder / "experiments").mkdir(exist_ok=True)
    click.echo(f"Created a project in {folder.resolve()}.")
    click.echo(f"Next: edit metrics/sources.yaml, then 'platform validate --project {folder}'.")
