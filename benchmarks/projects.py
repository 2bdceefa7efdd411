"""The same metrics twice: as an Assay project and as a dbt project with semantic models.

Ten metrics a file, two hundred a source. No two conditions are alike, so that nothing is gained by remembering one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

PER_FILE = 10
PER_SOURCE = 200
_COUNTRIES = ("AT", "BE", "CZ", "DE", "EE", "FI", "GR")

PROJECT = "name: Benchmark\ntimezone: UTC\nwarehouse: {dsn: chdb://target/warehouse, database: assay}\n"
_SOURCE = """sources:
  shop_{n}:
    description: One row per event of shop {n}.
    table: shop_{n}_events
    time: time
    entities: {{user: user_id, order: order_id}}
    dimensions:
      country: country
      device: if(device_kind = 1, 'phone', 'desktop')
      age_group: {{bins: age, cuts: [18, 25, 35, 45, 55]}}
      city: {{column: city, top: 20}}
    columns:
      user_id: UInt64
      order_id: UInt64
      event: LowCardinality(String)
      time: DateTime('UTC')
      country: LowCardinality(String)
      device_kind: UInt8
      age: UInt8
      city: LowCardinality(String)
      price: Float64
      discount: Float64
      duration: UInt32
    checks: {{not_null: [user_id, time]}}
"""
# The tenth metric is a set in every second file, and a rolling one in the others.
_METRICS = """metrics:
  visits_{n}:
    type: count
    source: {source}
    where: event = 'visit' AND country = '{country}' AND age >= {n}
    label: Visits {n}
    description: Visits from {country}, campaign {n}.
    owner: growth-team
    good: up
    tier: 2
  orders_{n}: {{type: count, source: {source}, where: "event = 'order' AND price > {n}", label: Orders {n}, good: up, owner: shop-team}}
  revenue_{n}:
    type: sum
    source: {source}
    value: price * (1 - discount) - {n}
    where: event = 'order' AND country IN ('{country}', 'US') AND age < {n}
    label: Revenue {n}
    description: What buyers paid after the discount, campaign {n}.
    owner: shop-team
    good: up
    tier: 1
  duration_{n}: {{type: mean, source: {source}, value: duration / 60, where: "event = 'visit' AND duration BETWEEN 1 AND {n}", label: Minutes {n}}}
  duration_p90_{n}: {{type: quantile, source: {source}, value: duration, where: "event = 'visit' AND duration > {n}", level: 0.9, label: Long visits {n}}}
  users_{n}: {{type: unique, source: {source}, of: user, where: "event = 'visit' AND age != {n}", label: Users {n}, good: up, tier: 1}}
  buyers_{n}: {{type: unique, source: {source}, of: user, where: "event = 'order' AND price >= {n} AND city != ''", label: Buyers {n}, good: up}}
  conversion_{n}:
    type: ratio
    numerator: buyers_{n}
    denominator: users_{n}
    label: Conversion {n}
    description: Buyers per user, campaign {n}.
    good: up
    format: percent
    tier: 1
  revenue_per_visit_{n}: {{type: derived, expr: revenue_{n} / visits_{n}, label: Revenue per visit {n}, good: up}}
"""
_LAST = (
    "  browsers_{n}: {{type: set, expr: users_{n} - buyers_{n}, label: Only looking {n}}}\n",
    "  weekly_users_{n}: {{type: rolling, metric: users_{n}, window: 7d, label: Weekly users {n}, good: up}}\n",
)


def write_assay(root: Path, count: int) -> Path:
    """A project of `count` metrics, a multiple of ten. Returns a file to edit."""
    folder = root / "metrics"
    folder.mkdir(parents=True)
    root.joinpath("project.yaml").write_text(PROJECT, "utf-8")
    for source in range(shops(count)):
        folder.joinpath(f"shop_{source}.yaml").write_text(_SOURCE.format(n=source), "utf-8")
    for number, values in campaigns(count):
        text = (_METRICS + _LAST[number % 2]).format(**values)
        folder.joinpath(f"campaign_{number}.yaml").write_text(text, "utf-8")
    return folder / "campaign_0.yaml"


def definitions(count: int) -> int:
    """How many definitions the Assay project holds: the metrics and their sources."""
    return count + shops(count)


def edit(file: Path, number: int) -> None:
    """Change the first description in a file, differently for each `number`."""
    text = file.read_text("utf-8")
    file.write_text(re.sub(r"description: .*", f"description: Edit {number}.", text, count=1), "utf-8")


def shops(count: int) -> int:
    """How many sources there are."""
    return -(-count // PER_SOURCE)


def campaigns(count: int) -> Iterator[tuple[int, dict[str, object]]]:
    """The number of each file, and what its templates need."""
    for number in range(count // PER_FILE):
        source = f"shop_{number * PER_FILE // PER_SOURCE}"
        yield number, {"n": number, "source": source, "country": _COUNTRIES[number % len(_COUNTRIES)]}
