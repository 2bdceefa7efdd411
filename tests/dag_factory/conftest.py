"""A small shop with every kind of DAG in it, as files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

FILES = {
    "project.yaml": """name: shop
timezone: Europe/Moscow
warehouse: {dsn: "chdb://target/warehouse", database: shop}
airflow:
  route: team
""",
    "metrics/models.yaml": """models:
  buyers:
    description: Who bought, and when first.
    owner: shop-team
    sql: SELECT user_id, min(toDate(at, 'Europe/Moscow')) AS first_day FROM {{ source('orders') }} GROUP BY user_id
    columns: {user_id: UInt32, first_day: Date}
    grain: [user_id]
""",
    "metrics/sources.yaml": """sources:
  orders:
    table: raw.orders
    time: at
    entities: {user: user_id}
    dimensions: {city: city}
    columns: {at: DateTime, user_id: UInt32, city: String, amount: Float64}
    checks: {min_rows_per_day: 1}
    lateness: 2d
  visits:
    table: raw.visits
    time: at
    entities: {user: user_id}
    columns: {at: DateTime, user_id: UInt32}
    joins: {who: {model: buyers, key: user_id, on: user_id}}
""",
    "metrics/metrics.yaml": """metrics:
  orders: {type: count, source: orders}
  revenue: {type: sum, source: orders, value: amount, owner: shop-team}
  customers: {type: unique, source: orders, of: user}
  visits: {type: count, source: visits}
  check: {type: ratio, numerator: revenue, denominator: orders}
""",
    "experiments/button.yaml": """experiments:
  button:
    description: A larger button.
    hypothesis: A larger button sells more.
    assignment: {source: orders, column: user_id % 2, variants: {control: 0, treatment: 1}}
    exposure: {source: orders}
    start: 2025-03-03
    end: 2025-03-06
    metrics: {primary: [check], secondary: [revenue]}
    validity: [srm]
  banner:
    hypothesis: A banner brings visitors.
    assignment: {source: visits, column: user_id % 2, variants: {control: 0, treatment: 1}}
    exposure: {source: visits}
    start: 2025-03-03
    end: 2025-03-06
    metrics: {primary: [visits]}
    validity: [srm]
""",
    "alerts/alerts.yaml": """alerts:
  orders_now:
    metrics: [orders]
    every: 15m
    route: team
  visits_now:
    metrics: [visits]
    every: 15m
    route: team
  revenue_hourly: {metrics: [revenue], every: 1h, route: team}
  revenue_daily: {metrics: [revenue], every: 1d, route: team}
routes:
  team: {outbox: {path: target/outbox}}
reports:
  morning:
    title: Shop
    schedule: "0 11 * * *"
    route: team
    blocks: [{type: cards, title: Money, metrics: [revenue, orders]}]
  early:
    title: As soon as it is there
    route: team
    blocks: [{type: cards, title: Money, metrics: [revenue, visits]}]
""",
}


def write(root: Path, files: dict[str, str]) -> Path:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    return root


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """The folder of a project that is right."""
    return write(tmp_path / "shop", FILES)


@pytest.fixture
def change(shop: Path) -> Callable[[str, str, str], None]:
    """Replaces a text in a file of the shop, which must be there."""

    def replace(path: str, old: str, new: str) -> None:
        text = (shop / path).read_text(encoding="utf-8")
        assert old in text, f"{old!r} is not in {path}"
        (shop / path).write_text(text.replace(old, new, 1), encoding="utf-8")

    return replace
