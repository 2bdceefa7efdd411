"""The peer `dbt parse`, in an environment of its own, over the metrics of `projects.py` as semantic models."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.measure import WORK, GateFailed, gate, process
from benchmarks.projects import LAST, campaigns, shops, template

PACKAGES = ("dbt-core==1.11.*", "dbt-duckdb")
_HOME = WORK / "dbt"


def install() -> Path:
    """Create the environment once. Returns the command. Raises GateFailed when a package cannot be had."""
    command = _HOME / "bin" / "dbt"
    if command.exists():
        return command
    shutil.rmtree(_HOME, ignore_errors=True)
    try:
        subprocess.run([sys.executable, "-m", "venv", _HOME], check=True, capture_output=True)
        subprocess.run(
            [_HOME / "bin/python", "-m", "pip", "install", "--quiet", *PACKAGES], check=True, capture_output=True
        )
        subprocess.run(
            [_HOME / "bin/python", "-m", "compileall", "-q", _HOME / "lib"], check=False, capture_output=True
        )
    except subprocess.CalledProcessError as error:
        raise GateFailed(f"dbt cannot be installed: {error.stderr.decode()[-500:]}") from error
    return command


def versions() -> dict[str, str]:
    script = "from importlib.metadata import version as v; print(v('dbt-core'), v('dbt-duckdb'))"
    found = subprocess.run(
        [_HOME / "bin/python", "-c", script], check=True, capture_output=True, text=True
    ).stdout.split()
    return dict(zip(("dbt-core", "dbt-duckdb"), found, strict=True))


def write(root: Path, count: int) -> Path:
    """A project of `count` metrics. Returns a file to edit.

    dbt has neither sets nor rolling metrics of metrics: a derived and a cumulative metric stand in for them.
    """
    models = root / "models"
    models.mkdir(parents=True)
    root.joinpath("dbt_project.yml").write_text(template("dbt_project.yaml").template, "utf-8")
    root.joinpath("profiles.yml").write_text(template("dbt_profiles.yaml").template, "utf-8")
    models.joinpath("days.sql").write_text("select cast('2025-01-01' as date) as day\n", "utf-8")
    models.joinpath("days.yml").write_text(template("dbt_days.yaml").template, "utf-8")
    for shop in range(shops(count)):
        models.joinpath(f"shop_{shop}_events.sql").write_text(f"select * from raw.shop_{shop}_events\n", "utf-8")
        models.joinpath(f"shop_{shop}.yml").write_text(_semantic_model(shop, count), "utf-8")
    for number, values in campaigns(count):
        parts = ("dbt_metrics.yaml", LAST[number % 2].format("dbt"))
        text = "".join(template(part).substitute(values) for part in parts)
        models.joinpath(f"campaign_{number}.yml").write_text(text, "utf-8")
    return models / "campaign_0.yml"


def _semantic_model(shop: int, count: int) -> str:
    mine = (values for _, values in campaigns(count) if values["source"] == f"shop_{shop}")
    measures = (template("dbt_measures.yaml").substitute(values) for values in mine)
    return template("dbt_source.yaml").substitute(n=shop) + "".join(measures)


def parse(command: Path, root: Path) -> float:
    """CPU seconds of `dbt parse`."""
    environ = os.environ | {"DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "DBT_PROFILES_DIR": str(root)}
    return process([command, "parse"], root, environ).seconds


def check(root: Path, count: int) -> None:
    """dbt has understood every metric. Raises GateFailed."""
    manifest = json.loads((root / "target" / "manifest.json").read_text("utf-8"))
    found = len(manifest["metrics"]), len(manifest["semantic_models"])
    gate(found == (count, shops(count)), f"dbt knows {found} metrics and semantic models of {count}")
