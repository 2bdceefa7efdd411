"""What Airflow makes of the manifest: T1 (structure) and T2 (`dag.test`), each in a process of its own on SQLite."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from assay.cli.main import main
from assay.project import Project
from dag_factory.compile import compile_dags
from dag_factory.plan import plan
from tests.conftest import SCALE, make_events

pytestmark = [
    pytest.mark.airflow,
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("airflow") is None, reason="needs the airflow extra"),
]
ROOT = Path(__file__).resolve().parents[2]
FACTORY = ROOT / "dag_factory"
HEAVY = (
    "numpy",
    "scipy",
    "pandas",
    "chdb",
    "clickhouse_connect",
    "matplotlib",
    "sqlglot",
    "statsmodels",
    "assay.project",
)
CONTEXT = ("_AIRFLOW_PARSING_CONTEXT_DAG_ID", "_AIRFLOW_PARSING_CONTEXT_TASK_ID")
LOAD = """
import json, os, sys
from dag_factory.loader import load
found = {}
load(found)
"""
# Serialised as the dag processor does it; what differs between files and machines is not part of a version.
WRITE = """
from airflow.serialization.serialized_objects import DagSerialization
def written():
    loaded = {}
    load(loaded)
    return {name: json.dumps(DagSerialization.to_dict(dag), sort_keys=True) for name, dag in loaded.items()}
"""


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """AIRFLOW_HOME with a migrated database."""
    home = tmp_path_factory.mktemp("airflow")
    run([sys.executable, "-m", "airflow", "db", "migrate"], home, ROOT)
    return home


def run(command: list[str], home: Path, project: Path, **more: str) -> str:
    environ = {name: value for name, value in os.environ.items() if name not in CONTEXT}
    environ |= {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(FACTORY),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR",
        "ASSAY_PROJECT": str(project),
        "PYTHONPATH": os.pathsep.join([str(ROOT / "platform"), str(ROOT)]),
        **more,
    }
    found = subprocess.run(command, env=environ, cwd=home, capture_output=True, text=True, check=False, timeout=280)
    assert found.returncode == 0, found.stdout[-3000:] + found.stderr[-3000:]
    return found.stdout


def answer(script: str, home: Path, project: Path, **more: str) -> Any:
    """The JSON that a script prints last."""
    return json.loads(run([sys.executable, "-c", script], home, project, **more).splitlines()[-1])


@pytest.fixture
def compiled(shop: Path) -> Path:
    compile_dags(shop)
    return shop


def test_ids_edges_outlets_and_schedules(compiled: Path, home: Path) -> None:
    script = (
        LOAD
        + """
def told(task):
    outlets = [each.name for each in task.outlets]
    edges, limit = sorted(task.downstream_task_ids), bool(task.execution_timeout)
    return [edges, outlets, task.pool, task.retries, limit, task.owner]
print(json.dumps({name: [type(dag.timetable).__name__, {task.task_id: told(task) for task in dag.tasks}]
                  for name, dag in found.items()}))"""
    )
    found = answer(script, home, compiled)
    specs = {each.dag.dag_id: each.dag for each in plan(Project.load(compiled).catalog)}
    assert set(found) == set(specs)
    assert found["metrics__orders"][0] == "CronPartitionTimetable"
    assert found["metrics__visits"][0] == found["alerts__1d"][0] == "PartitionedAssetTimetable"
    assert found["alerts__15m"][0] == found["report__morning"][0] == "CronTriggerTimetable"
    for name, (_, tasks) in found.items():
        for task in specs[name].tasks:
            edges = sorted(each.task_id for each in specs[name].tasks if task.task_id in each.after)
            outlets = [task.outlet] if task.outlet else []
            assert tasks[task.task_id] == [edges, outlets, task.pool, 2, True, specs[name].owner]


def test_a_parse_imports_nothing_heavy(compiled: Path, home: Path) -> None:
    script = f"{LOAD}print(json.dumps([name for name in {HEAVY!r} if name in sys.modules]))"
    assert answer(script, home, compiled) == []


def test_twenty_parses_are_one_version(compiled: Path, home: Path) -> None:
    script = f"{LOAD}{WRITE}print(json.dumps([len(set(map(str, (written() for _ in range(20))))), len(found)]))"
    assert answer(script, home, compiled) == [1, 11]


def test_an_edit_elsewhere_leaves_the_version_of_a_dag(compiled: Path, home: Path, change: Callable[..., None]) -> None:
    script = f"{LOAD}{WRITE}print(json.dumps(written()))"
    before = answer(script, home, compiled)
    change("experiments/button.yaml", "  banner:", "  # A comment moves the lines below.\n  banner:")
    change("metrics/metrics.yaml", "visits: {type", "visits: {label: Seen, type")
    compile_dags(compiled)
    assert answer(script, home, compiled) == before


def test_what_is_serialised_can_be_read_back(compiled: Path, home: Path) -> None:
    script = f"""{LOAD}{WRITE}
back = {{name: DagSerialization.from_dict(json.loads(text)) for name, text in written().items()}}
print(json.dumps({{name: sorted(dag.task_dict) for name, dag in back.items()}}))"""
    found = answer(script, home, compiled)
    assert found["metrics__orders"] == ["build", "check"]


def test_a_task_parses_its_own_dag_only(compiled: Path, home: Path) -> None:
    script = f"{LOAD}print(json.dumps(list(found)))"
    assert answer(script, home, compiled, **{CONTEXT[0]: "metrics__orders"}) == ["metrics__orders"]
    assert answer(script, home, compiled, **{CONTEXT[0]: "metrics__order"}) == []


def test_import_errors_show_file_and_line_and_the_good_dags_stay(
    compiled: Path, home: Path, change: Callable[..., None]
) -> None:
    bag = """
import json
from airflow.dag_processing.dagbag import DagBag
bag = DagBag(dag_folder={folder!r}, load_op_links=False)
print(json.dumps([sorted(bag.dags), list(bag.import_errors.values())]))"""
    script = bag.format(folder=str(FACTORY))
    good, errors = answer(script, home, compiled)
    assert (len(good), errors) == (11, [])
    change("experiments/button.yaml", "hypothesis: A larger", "hypotesis: A larger")
    compile_dags(compiled)
    still, (error,) = answer(script, home, compiled)
    assert still == good
    assert "experiments/button.yaml:4:5: E102" in error


def test_pools_are_those_that_tasks_name(compiled: Path, home: Path) -> None:
    script = f"{LOAD}print(json.dumps(sorted({{t.pool for d in found.values() for t in d.tasks}})))"
    pools = json.loads(CliRunner().invoke(main, ["dags", "pools", "-p", str(compiled)]).output)
    assert answer(script, home, compiled) == sorted(pools) == ["chdb"]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo project with its events and nothing built, which is what the DAGs are for; nobody else touches it."""
    root = make_events(tmp_path_factory.mktemp("demo_airflow") / "project", SCALE).root
    compile_dags(root)
    return root


# Each kind once, in the order of what they read: a process for all, because starting Airflow costs more than its tasks.
STATES = {
    "models__metrics_models": {"build": "success"},
    "metrics__feed": {"build": "success", "check": "success"},
    "experiment__similar_users": {"analyze": "success", "gates": "success"},
    "experiment__similar_posts": {"analyze": "success", "gates": "failed"},  # its validity gate blocks it
    "alerts__15m": {"check": "success"},
    "report__daily": {"send": "success"},
    "maintenance": {"examine": "success", "sweep": "success"},
}
TEST = f"""
import json, sys
from datetime import UTC, datetime
from airflow.models.pool import Pool
from dag_factory.loader import load
Pool.create_or_update_pool("chdb", 1, "", False)  # the examination would miss it
found, states = {{}}, {{}}
load(found)
for name in {list(STATES)!r}:
    when = datetime(2025, 9, 1, tzinfo=UTC)
    for task in found[name].tasks:
        task.retries = 0  # dag.test would wait for them
    done = found[name].test(run_conf={{"partition": "2025-08-08"}}, logical_date=None, run_after=when)
    states[name] = {{each.task_id: each.state for each in done.get_task_instances()}}
print(json.dumps(states))
"""


def test_every_kind_runs(demo: Path, home: Path) -> None:
    assert answer(TEST, home, demo) == STATES
