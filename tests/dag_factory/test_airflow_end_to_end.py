"""A real Airflow, started as `make airflow` starts it: partitions, a killed task, a back-fill, an alert, and the end.

One scenario for the module; the tests look at what it left when everything had stopped.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import time
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from click.testing import CliRunner

from assay.cli.main import main
from assay.jobs.runs import materialize
from assay.project import Project
from assay.statement import Statement
from dag_factory.compile import compile_dags
from dag_factory.local import Airflow, running
from dag_factory.services import members
from tests.conftest import AFTER_ALL, SCALE, make_events
from tests.delivery.conftest import TOKEN, BotApi, bot_api_process  # noqa: F401 - a fixture

pytestmark = [
    pytest.mark.airflow,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(find_spec("airflow") is None, reason="needs the airflow extra"),
]
PARTITIONS = ("2025-08-03", "2025-08-04")  # days of the experiment
BEFORE = date(2025, 8, 2)
FIRST, DAYS = date(2025, 8, 4), 7
LAST = FIRST + timedelta(days=DAYS)
TICK = "2025-08-24T09:00:00Z"
SILENCE = """ALTER TABLE feed_actions DELETE WHERE time >= toDateTime('2025-08-24 08:00:00', 'UTC')
  AND time < toDateTime('2025-08-24 09:00:00', 'UTC') SETTINGS mutations_sync = 1"""
EXPECTED = {
    **{("metrics__messenger", str(FIRST + timedelta(days=at))): "success" for at in range(DAYS)},
    **{(dag, key): "success" for dag in ("metrics__feed", "experiment__similar_users") for key in PARTITIONS},
    **{("report__feed", key): "success" for key in PARTITIONS},
    ("alerts__15m", TICK): "success",
}
ROUTES = """routes:
  oncall: {{telegram: {{chat: "-100", base_url: "{url}"}}, group_by: [alert]}}
  product: {{telegram: {{chat: "-200", base_url: "{url}"}}}}
"""
# Without a time of its own, a report follows its metrics.
REPORT = """reports:
  feed: {title: The feed, route: product, blocks: [{type: cards, title: Activity, metrics: [views, likes]}]}
"""
# What was built, without the moments at which it was; sets and sketches as what they say, and sums to twelve digits,
# because threads add in any order. Alerts build more.
DAYS_OF = f"source = 'messenger' AND day >= '{FIRST}' AND day < '{LAST}' OR source = 'feed' AND day IN {PARTITIONS}"
BUILT = {
    "states": f"""SELECT source, grain, day, slot, measure, dim, val, printf('%.12g', value),
  arraySort(bitmapToArray(users)) AS members, toString(finalizeAggregation(digest)) AS median
  FROM assay.measure_states WHERE {DAYS_OF} ORDER BY ALL""",
    "builds": f"""SELECT source, grain, day, measures, dimensions, fingerprint
  FROM assay.builds FINAL WHERE {DAYS_OF} ORDER BY ALL""",
}


@dataclass
class Api:
    """Airflow's own API, as its pages use it."""

    airflow: Airflow
    token: str = ""

    def __post_init__(self) -> None:
        found = self("POST", "/auth/token", {"username": "admin", "password": self.airflow.password})
        self.token = found["access_token"]

    def __call__(self, method: str, path: str, content: Any = None) -> Any:
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.token}"}
        body = None if content is None else json.dumps(content).encode()
        with urlopen(Request(self.airflow.address + path, body, headers, method=method), timeout=60) as answer:
            return json.load(answer)

    def unpause(self, dag_id: str) -> None:
        self("PATCH", f"/api/v2/dags/{dag_id}", {"is_paused": False})

    def trigger(self, dag_id: str, **more: Any) -> None:
        self("POST", f"/api/v2/dags/{dag_id}/dagRuns", {"logical_date": None, **more})

    def repeat(self, dag_id: str, run_id: str) -> None:
        self("POST", f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/clear", {"dry_run": False})

    def dags(self) -> set[str]:
        return {each["dag_id"] for each in self("GET", "/api/v2/dags?limit=100")["dags"]}

    def runs(self) -> dict[tuple[str, str], str]:
        """The states of runs by what they are about: a partition, or a tick."""
        found = self("GET", "/api/v2/dags/~/dagRuns?limit=100")["dag_runs"]
        return {(each["dag_id"], each["partition_key"] or each["logical_date"]): each["state"] for each in found}

    def tasks(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self("GET", "/api/v2/dags/~/dagRuns/~/taskInstances?limit=100")["task_instances"]
        return found


@dataclass
class Story:
    """What happened; `seconds` by chapter, `left` the processes that outlived the end, and `free`
    whether nobody holds the lock that every one of them began with."""

    root: Path
    runs: dict[tuple[str, str], str] = field(default_factory=dict)
    tasks: list[dict[str, Any]] = field(default_factory=list)
    stages: list[str] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    left: list[int] = field(default_factory=list)
    free: bool = False


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory, bot_api_process: BotApi) -> Story:  # noqa: F811
    root = tmp_path_factory.mktemp("end_to_end") / "project"
    made = Story(root)
    began = time.monotonic()
    prepare(root, bot_api_process.url)
    told(made, "data", began)
    with running(root, environ={**os.environ, "TELEGRAM_BOT_TOKEN": TOKEN}) as airflow:
        told(made, "start", began)
        happen(airflow, made)
        told(made, "runs", began)
        made.messages = bot_api_process.accepted()
        sessions = [each.process.pid for each in airflow.services]
    made.left = [pid for each in sessions for pid in members(each)]
    made.free = free(airflow.home / "lock")
    told(made, "end", began)
    (root / "story.json").write_text(json.dumps([made.seconds, made.messages, made.tasks], indent=1))
    return made


def told(made: Story, chapter: str, began: float) -> None:
    made.seconds[chapter] = round(time.monotonic() - began - sum(made.seconds.values()), 1)


def prepare(root: Path, url: str) -> None:
    """Two projects with the same events: Airflow's, and one beside it for `platform run`.

    A day is built before they part: the first build pins the most frequent cities, which later ones keep.
    """
    make_events(root, SCALE)
    (root / "alerts" / "routes.yaml").write_text(ROUTES.format(url=url), encoding="utf-8")
    (root / "alerts" / "reports.yaml").write_text(REPORT, encoding="utf-8")
    with opened(root) as context:
        context.engine.run(Statement(SILENCE, "nobody uses the feed for the hour before the tick", writes=True))
        materialize.run(context, ["feed", "messenger"], BEFORE, BEFORE + timedelta(days=1))
    shutil.copytree(root, beside(root), symlinks=True)
    compile_dags(root)


def beside(root: Path) -> Path:
    return root.with_name("by_hand")


def happen(airflow: Airflow, made: Story) -> None:
    """The scenario: what people and the scheduler do."""
    api = Api(airflow)
    wanted = {dag for dag, _ in EXPECTED}
    airflow.wait(lambda: wanted <= api.dags(), "DAG in Airflow")
    api.unpause("metrics__messenger")
    # midnights: like `run --from --to`, the last day is not included
    airflow.run("backfill", "create", "--dag-id=metrics__messenger", f"--from-date={FIRST}", f"--to-date={LAST}")
    airflow.wait(lambda: kill_while_it_writes(made), "task to kill", 90)
    for each in sorted(wanted):
        api.unpause(each)
    for key in PARTITIONS:
        api.trigger("metrics__feed", partition_key=key)
    api.trigger("alerts__15m", logical_date=TICK, dag_run_id="noon")

    def ended() -> bool:
        time.sleep(1)
        made.runs, made.tasks = api.runs(), api.tasks()
        return all(made.runs.get(each) in ("success", "failed") for each in EXPECTED)

    airflow.wait(ended, "end of the runs", 400)
    api.repeat("alerts__15m", "noon")
    airflow.wait(ended, "end of the alerts' second time", 100)


def kill_while_it_writes(made: Story) -> bool:
    """Look for a moment, and kill the task's process when it has a stage that is not published."""
    warehouse = made.root / "target" / "demo" / "warehouse"
    for _ in range(200):
        stages = list((warehouse / "metadata" / "assay").glob("*__stg_*"))
        if stages:
            os.kill(int(Path(f"{warehouse}.lock").read_text()), signal.SIGKILL)
            made.stages = [each.name for each in stages if each.exists()]
            return bool(made.stages)
        time.sleep(0.002)
    return False


def free(path: Path) -> bool:
    with path.open("rb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def asked(root: Path, sql: str) -> list[tuple[Any, ...]]:
    with opened(root) as context:
        return list(context.engine.run(Statement(sql, "test")).rows)


def opened(root: Path) -> Any:
    return replace(Project.load(root), environ={}).open(AFTER_ALL)


def by_hand(root: Path) -> Path:
    """The same days of the same sources by `platform run`."""
    for name, first, last in (("messenger", FIRST, LAST), ("feed", PARTITIONS[0], FIRST + timedelta(days=1))):
        done = CliRunner().invoke(main, ["run", name, "--from", str(first), "--to", str(last), "-p", str(root)])
        assert done.exit_code == 0, done.output
    return root


def test_every_run_succeeds(story: Story) -> None:
    """Chains by partition: metrics, then the experiment and the report of the same day."""
    assert {key: story.runs.get(key) for key in EXPECTED} == EXPECTED


def test_a_killed_task_was_writing_and_is_tried_again(story: Story) -> None:
    assert story.stages
    again = [each for each in story.tasks if each["dag_id"] == "metrics__messenger" and each["try_number"] == 2]
    assert [(each["task_id"], each["state"]) for each in again] == [("build", "success")]


def test_the_rows_are_those_of_platform_run(story: Story) -> None:
    """A back-fill of seven days with a killed task among them, and two partitions, against the command."""
    other = by_hand(beside(story.root))
    for name, sql in BUILT.items():
        airflow, command = asked(story.root, sql), asked(other, sql)
        assert len(airflow) > DAYS, name
        assert airflow == command, name


def test_each_message_arrives_once(story: Story) -> None:
    """A report for each partition, and one alert, which was judged twice."""
    assert sorted(each["chat_id"] for each in story.messages) == ["-100", "-200", "-200"]
    (alert,) = (each["shown"] for each in story.messages if each["chat_id"] == "-100")
    assert "Feed, every 15 minutes" in alert
    tries = [each["try_number"] for each in story.tasks if each["dag_run_id"] == "noon"]
    assert tries == [2]


def test_the_ledger_tells_who_ran_what(story: Story) -> None:
    sql = "SELECT toString(partition), status, max(attempt) FROM assay.dag_tasks WHERE task_id IN ('analyze', 'gates') "
    assert asked(story.root, sql + "GROUP BY 1, 2 ORDER BY 1") == [(key, "done", 1) for key in PARTITIONS]


def test_nothing_is_left_running(story: Story) -> None:
    assert (story.left, story.free) == ([], True)
