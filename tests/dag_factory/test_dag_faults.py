"""Mistakes of configuration: each is told with its file and line, and the other DAGs stay."""
# ruff: noqa: E501 - a fault is a row

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from assay.cli.main import main
from dag_factory.compile import compile_dags

PROJECT, MODELS, SOURCES = "project.yaml", "metrics/models.yaml", "metrics/sources.yaml"
METRICS, EXPERIMENTS, ALERTS = "metrics/metrics.yaml", "experiments/button.yaml", "alerts/alerts.yaml"
EVERY = 11  # DAGs of the shop
LONG = "b" * 210
ALL_ALERTS = {"alerts__15m", "alerts__1d", "alerts__1h", "report__early", "report__morning"}
OF_REVENUE = {"alerts__1d", "alerts__1h", "experiment__button", "report__early", "report__morning"}

# fmt: off
# name: (file, what is replaced, by what, the code, the line that is told, the DAGs that cannot be made)
FAULTS: dict[str, tuple[str, str, str, str, int, set[str]]] = {
    "yaml that does not end": (EXPERIMENTS, "metrics: {primary: [visits]}", "metrics: {primary: [visits]", "E001", 18, {"experiment__banner", "experiment__button"}),
    "a name twice": (ALERTS, "visits_now", "orders_now", "E002", 6, ALL_ALERTS),
    "an anchor": (ALERTS, "every: 15m", "every: &often 15m", "E004", 4, ALL_ALERTS),
    "an unknown kind": (ALERTS, "routes:", "rutes:", "E101", 12, ALL_ALERTS),
    "an unknown field": (ALERTS, "    every: 15m\n    route: team\n  visits", "    evry: 15m\n    route: team\n  visits", "E102", 4, set()),
    "a field that is missing": (EXPERIMENTS, "    hypothesis: A banner brings visitors.\n", "", "E103", 11, {"experiment__banner"}),
    "a trigger that does not exist": (PROJECT, "  route: team", "  route: team\n  trigger: partitions", "E104", 6, set()),
    "a time that is a number": (PROJECT, "  route: team", "  route: team\n  metrics: 3", "E104", 6, set()),
    "a time that is none": (PROJECT, "  route: team", '  route: team\n  models: "25:00"', "E104", 6, set()),
    "a prefix with capitals": (PROJECT, "  route: team", "  route: team\n  prefix: Shop-", "E104", 6, set()),
    "no slots": (PROJECT, "  route: team", "  route: team\n  slots: 0", "E104", 6, set()),
    "a time zone that is none": (PROJECT, "Europe/Moscow", "Europe/Moskow", "E104", 2, set()),
    "a type of metric that is none": (METRICS, "visits: {type: count", "visits: {type: cnt", "E105", 5, {"experiment__banner", "metrics__visits", "report__early"}),
    "a metric that is none": (ALERTS, "metrics: [revenue, orders]", "metrics: [revenue, ordres]", "E201", 19, {"report__morning"}),
    "a route that is none": (PROJECT, "route: team", "route: taem", "E201", 5, set()),
    "a source that is none": (METRICS, "type: unique, source: orders", "type: unique, source: order", "E201", 4, set()),
    "metrics in a circle": (METRICS, "numerator: revenue", "numerator: check", "E202", 6, {"experiment__button"}),
    "a column that is none": (METRICS, "value: amount", "value: amuont", "E204", 3, OF_REVENUE),
    "an end before the start": (EXPERIMENTS, "end: 2025-03-06\n    metrics: {primary: [visits]}", "end: 2025-03-01\n    metrics: {primary: [visits]}", "E303", 16, {"experiment__banner"}),
    "sql that is none": (METRICS, "{type: sum, source: orders, value: amount,", "{type: sum, source: orders, value: amount +,", "E401", 3, OF_REVENUE),
    "a template that fails": (MODELS, "source('orders')", "sauce('orders')", "E403", 5, {"models__metrics_models", "metrics__visits", "experiment__banner", "report__early"}),
    "an interval without a cron": (ALERTS, "every: 1h", "every: 45m", "E802", 10, {"alerts__1h"}),
    "a cron of four fields": (ALERTS, "0 11 * * *", "0 11 * *", "E104", 17, {"report__morning"}),
    "a cron with an hour too many": (ALERTS, "0 11 * * *", "0 24 * * *", "E104", 17, {"report__morning"}),
    "a cron with a word": (ALERTS, "0 11 * * *", "0 11 * * someday", "E104", 17, {"report__morning"}),
    "times that leave no order": (PROJECT, "  route: team", "  route: team\n  trigger: cron", "E802", 6, set()),
    "experiments before their metrics": (PROJECT, "  route: team", '  route: team\n  trigger: cron\n  metrics: "04:00"\n  experiments: "03:30"', "E802", 8, set()),
    "an id that is too long": (EXPERIMENTS, "  banner:", f"  {LONG}:", "E801", 11, {f"experiment__{LONG}"}),
    "no warehouse": (PROJECT, 'warehouse: {dsn: "chdb://target/warehouse", database: shop}\n', "", "E501", 1, set()),
}
# fmt: on


@pytest.mark.parametrize("name", FAULTS)
def test_is_told_with_file_and_line_and_the_others_stay(
    name: str, shop: Path, change: Callable[[str, str, str], None]
) -> None:
    path, old, new, code, line, gone = FAULTS[name]
    change(path, old, new)
    result = CliRunner().invoke(main, ["dags", "check", "--format", "json", "-p", str(shop)])
    assert result.exit_code == 1, result.output
    found = {(each["code"], each["path"], each["line"]) for each in json.loads(result.output)["errors"]}
    assert (code, path, line) in found
    made = {dag.dag_id for dag in compile_dags(shop).dags}
    if (code, path) != ("E104", PROJECT):  # wrong settings, without earlier DAGs, leave none
        assert made.isdisjoint(gone)
        assert "maintenance" in made
        assert len(made) >= EVERY - len(gone) - 1


def test_no_project(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["dags", "compile", "--format", "json", "-p", str(tmp_path)])
    assert (result.exit_code, json.loads(result.output)["error"]["code"]) == (1, "E106")


def test_nothing_was_compiled(shop: Path) -> None:
    for command in ("list", "pools"):
        result = CliRunner().invoke(main, ["dags", command, "-p", str(shop)])
        assert result.exit_code == 1
        assert "E803" in result.output
