"""The peer `dbt parse`, in an environment of its own, over the metrics of `projects.py` as semantic models."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import WORK, GateFailed, gate, process
from benchmarks.projects import PER_SOURCE, campaigns, shops

PACKAGES = ("dbt-core==1.11.*", "dbt-duckdb")
_HOME = WORK / "dbt"
_PROJECT = "name: benchmark\nversion: '1.0'\nprofile: benchmark\nmodel-paths: [models]\nflags: {send_anonymous_usage_stats: false}\n"
_PROFILE = "benchmark:\n  target: dev\n  outputs:\n    dev: {type: duckdb, path: target/benchmark.duckdb}\n"
_SPINE = """models:
  - name: days
    time_spine: {standard_granularity_column: day}
    columns: [{name: day, granularity: day}]
"""
_SOURCE = """semantic_models:
  - name: shop_{n}
    description: One row per event of shop {n}.
    model: ref('shop_{n}_events')
    defaults: {{agg_time_dimension: time}}
    entities:
      - {{name: user_{n}, type: foreign, expr: user_id}}
      - {{name: order_{n}, type: primary, expr: order_id}}
    dimensions:
      - {{name: time, type: time, type_params: {{time_granularity: day}}}}
      - {{name: country, type: categorical}}
      - {{name: device, type: categorical, expr: "case when device_kind = 1 then 'phone' else 'desktop' end"}}
      - {{name: age_group, type: categorical, expr: floor(age / 10)}}
      - {{name: city, type: categorical}}
    measures:
"""
_MEASURES = """      - {{name: m_visits_{n}, agg: sum, expr: "case when event = 'visit' and country = '{country}' and age >= {n} then 1 end"}}
      - {{name: m_orders_{n}, agg: sum, expr: "case when event = 'order' and price > {n} then 1 end"}}
      - {{name: m_revenue_{n}, agg: sum, expr: "case when event = 'order' and country in ('{country}', 'US') and age < {n} then price * (1 - discount) - {n} end"}}
      - {{name: m_duration_{n}, agg: average, expr: "case when event = 'visit' and duration between 1 and {n} then duration / 60 end"}}
      - {{name: m_duration_p90_{n}, agg: percentile, agg_params: {{percentile: 0.9}}, expr: "case when event = 'visit' and duration > {n} then duration end"}}
      - {{name: m_users_{n}, agg: count_distinct, expr: "case when event = 'visit' and age != {n} then user_id end"}}
      - {{name: m_buyers_{n}, agg: count_distinct, expr: "case when event = 'order' and price >= {n} and city != '' then user_id end"}}
"""
_SIMPLE = (
    ("visits", "Visits"), ("orders", "Orders"), ("revenue", "Revenue"), ("duration", "Minutes"),
    ("duration_p90", "Long visits"), ("users", "Users"), ("buyers", "Buyers"),
)  # fmt: skip
_METRIC = """  - name: {name}_{n}
    label: {label} {n}
    description: {label} of campaign {n}.
    type: simple
    type_params: {{measure: m_{name}_{n}}}
"""
_COMPOSED = """  - {{name: conversion_{n}, label: Conversion {n}, type: ratio, type_params: {{numerator: buyers_{n}, denominator: users_{n}}}}}
  - name: revenue_per_visit_{n}
    label: Revenue per visit {n}
    type: derived
    type_params: {{expr: revenue_{n} / visits_{n}, metrics: [{{name: revenue_{n}}}, {{name: visits_{n}}}]}}
"""
# dbt has neither sets nor a rolling metric of a metric: their nearest relatives stand in.
_LAST = (
    "  - {{name: browsers_{n}, label: Only looking {n}, type: derived, type_params: "
    "{{expr: users_{n} - buyers_{n}, metrics: [{{name: users_{n}}}, {{name: buyers_{n}}}]}}}}\n",
    "  - {{name: weekly_users_{n}, label: Weekly users {n}, type: cumulative, type_params: "
    "{{measure: m_users_{n}, cumulative_type_params: {{window: 7 days}}}}}}\n",
)


def install() -> Path:
    """Create the environment once. Returns the command. Raises GateFailed when a package cannot be had."""
    command = _HOME / "bin" / "dbt"
    if command.exists():
        return command
    shutil.rmtree(_HOME, ignore_errors=True)
    try:
        subprocess.run([sys.executable, "-m", "venv", _HOME], check=True, capture_output=True)
        subprocess.run([_HOME / "bin/python", "-m", "pip", "install", "--quiet", *PACKAGES], check=True, capture_output=True)
        subprocess.run([_HOME / "bin/python", "-m", "compileall", "-q", _HOME / "lib"], check=False, capture_output=True)
    except subprocess.CalledProcessError as error:
        raise GateFailed(f"dbt cannot be installed: {error.stderr.decode()[-500:]}") from error
    return command


def versions() -> dict[str, str]:
    script = "from importlib.metadata import version as v; print(v('dbt-core'), v('dbt-duckdb'))"
    found = subprocess.run([_HOME / "bin/python", "-c", script], check=True, capture_output=True, text=True).stdout.split()
    return dict(zip(("dbt-core", "dbt-duckdb"), found, strict=True))


def write(root: Path, count: int) -> Path:
    """A project of `count` metrics. Returns a file to edit."""
    models = root / "models"
    models.mkdir(parents=True)
    root.joinpath("dbt_project.yml").write_text(_PROJECT, "utf-8")
    root.joinpath("profiles.yml").write_text(_PROFILE, "utf-8")
    models.joinpath("days.sql").write_text("select cast('2025-01-01' as date) as day\n", "utf-8")
    models.joinpath("days.yml").write_text(_SPINE, "utf-8")
    for shop in range(shops(count)):
        models.joinpath(f"shop_{shop}_events.sql").write_text(f"select * from raw.shop_{shop}_events\n", "utf-8")  # noqa: S608
        models.joinpath(f"shop_{shop}.yml").write_text("".join(_semantic_model(shop, count)), "utf-8")
    for number, _ in campaigns(count):
        models.joinpath(f"campaign_{number}.yml").write_text(_metrics(number), "utf-8")
    return models / "campaign_0.yml"


def _semantic_model(shop: int, count: int) -> Iterator[str]:
    yield _SOURCE.format(n=shop)
    yield from (_MEASURES.format(**values) for _, values in campaigns(count) if values["source"] == f"shop_{shop}")


def _metrics(number: int) -> str:
    simple = [_METRIC.format(name=name, label=label, n=number) for name, label in _SIMPLE]
    return "metrics:\n" + "".join(simple) + (_COMPOSED + _LAST[number % 2]).format(n=number)


def parse(command: Path, root: Path) -> float:
    """CPU seconds of `dbt parse`."""
    environ = os.environ | {"DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "DBT_PROFILES_DIR": str(root)}
    return process([command, "parse"], root, environ)


def check(root: Path, count: int) -> None:
    """dbt has understood every metric. Raises GateFailed."""
    manifest = json.loads((root / "target" / "manifest.json").read_text("utf-8"))
    found = len(manifest["metrics"]), len(manifest["semantic_models"])
    gate(found == (count, -(-count // PER_SOURCE)), f"dbt knows {found} metrics and semantic models of {count}")
