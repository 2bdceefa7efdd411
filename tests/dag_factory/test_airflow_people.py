"""What people meet of Airflow's tasks: failures and missed deadlines in a chat, an approval, Connections."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from dag_factory.compile import compile_dags
from tests.dag_factory.test_airflow_structure import LOAD, answer, run
from tests.delivery.conftest import TOKEN, BotApi, bot_api, bot_api_process
from tests.engine.serving import PASSWORD, Server

__all__ = ["bot_api", "bot_api_process"]  # fixtures
pytestmark = [
    pytest.mark.airflow,
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("airflow") is None, reason="needs the airflow extra"),
]
Change = Callable[[str, str, str], None]
TEST = f"""{LOAD}
from datetime import UTC, datetime
def tested(name, when, **conf):
    for task in found[name].tasks:
        task.retries = 0  # dag.test would wait for them
    done = found[name].test(run_conf=conf, logical_date=None, run_after=when)
    return {{each.task_id: each.state for each in done.get_task_instances()}}
when = datetime(2025, 9, 1, tzinfo=UTC)
"""
BUILD = TEST + 'print(json.dumps(tested("metrics__orders", when, partition="2025-03-02")))'


@pytest.fixture(scope="session")
def airflow_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """AIRFLOW_HOME with a migrated database."""
    import sys

    home = tmp_path_factory.mktemp("airflow_people")
    run([sys.executable, "-m", "airflow", "db", "migrate"], home, home)
    return home


@pytest.fixture
def chat(shop: Path, change: Change, bot_api: BotApi) -> BotApi:
    """The shop's route is a chat on loopback, and runs have a deadline."""
    change(
        "alerts/alerts.yaml",
        "team: {outbox: {path: target/outbox}}",
        f'team: {{telegram: {{chat: "-100", base_url: "{bot_api.url}"}}}}',
    )
    change("project.yaml", "route: team", "route: team\n  deadline: 30m")
    assert compile_dags(shop).manifest.errors == ()
    return bot_api


def texts(chat: BotApi) -> list[str]:
    return [str(each.get("text") or each.get("caption")) for each in chat.accepted()]


def test_a_failed_task_is_told_once(shop: Path, chat: BotApi, airflow_home: Path) -> None:
    assert answer(BUILD, airflow_home, shop, TELEGRAM_BOT_TOKEN=TOKEN)["build"] == "failed"  # there is no table
    (text,) = texts(chat)
    assert "metrics__orders build failed" in text
    assert "metrics/sources.yaml:2:3: E506" in text


MISSED = f"""{TEST}
from sqlalchemy import select
from airflow.models.dagrun import DagRun
from airflow.models.deadline import Deadline
from airflow.sdk.execution_time.callback_supervisor import execute_callback
from airflow.utils.session import create_session
name = "metrics__orders"
tested(name, when, partition="2025-03-03")
import structlog
with create_session() as session:
    from airflow.serialization.serialized_objects import DagSerialization
    alert = found[name].deadline
    run = session.scalars(select(DagRun).where(DagRun.dag_id == name)).first()
    missed = Deadline(when, alert.callback if not isinstance(alert, list) else alert[0].callback, run.id, None, name)
    session.add(missed)
    session.flush()
    missed.handle_miss(session)  # as the scheduler does when the time is over
    data = missed.callback.data
    done = execute_callback(data["path"], data["kwargs"], "dags.py", None, structlog.get_logger())
print(json.dumps([*done, run.run_id]))
"""


def test_a_missed_deadline_is_told(shop: Path, chat: BotApi, airflow_home: Path) -> None:
    done, why, run_id = answer(MISSED, airflow_home, shop, TELEGRAM_BOT_TOKEN=TOKEN)
    assert (done, why) == (True, None)
    (text,) = [each for each in texts(chat) if "is late" in each]
    assert f"{run_id} is not done 30 minutes after it was queued" in text


APPROVE = f"""{TEST}
import threading, time
from airflow.models.hitl import HITLDetail
from airflow.models.taskinstance import TaskInstance
from airflow.utils.session import create_session
from airflow.models.trigger import handle_event_submit
from airflow.triggers.base import TriggerEvent
from sqlalchemy import select

def respond(option):
    while True:
        time.sleep(1)
        with create_session() as session:
            waiting = session.scalars(select(TaskInstance).where(TaskInstance.state == "awaiting_input")).first()
            if waiting:
                now = datetime.now(UTC)
                payload = dict(chosen_options=[option], params_input={{}}, responded_at=now, responded_by_user=None)
                handle_event_submit(TriggerEvent(payload), task_instance=waiting, session=session)
                return

def approved(option, hour):
    from dag_factory import steps
    told = {{"verdict": "ship", "analysis": "a", "failed": [], "final": True}}
    steps.VERBS |= {{"analyze": lambda work: told}}  # the read-out has tests of its own
    threading.Thread(target=respond, args=[option], daemon=True).start()
    return tested("experiment__button", when.replace(hour=hour), partition="2025-03-05")
print(json.dumps([approved("Approve", 1)["approve"], approved("Reject", 2)["approve"]]))
"""


def test_a_person_accepts_or_rejects_a_verdict(shop: Path, change: Change, airflow_home: Path) -> None:
    change("project.yaml", "  route: team", "  approval: true")
    compile_dags(shop)
    assert answer(APPROVE, airflow_home, shop) == ["success", "failed"]


LOADED = """
from assay.engine import connect, parse_dsn
from assay.statement import Statement
from tests.dag_factory.test_dag_runtime import ORDERS
with connect(parse_dsn({dsn!r}, None)) as engine:
    for sql in ("CREATE DATABASE IF NOT EXISTS raw", "DROP TABLE IF EXISTS raw.orders", ORDERS):
        engine.run(Statement(sql, "test", writes=True))
print("null")
"""
STATES = {"build": "success", "check": "success"}


@pytest.fixture
def house(shop: Path, change: Change) -> Path:
    """A shop whose warehouse is an Airflow Connection; its own address leads nowhere."""
    change("project.yaml", "chdb://target/warehouse", "clickhouse://nobody@127.0.0.1:1/none")
    change("project.yaml", "  route: team", "  connection: house\n  slots: 1")
    compile_dags(shop)
    return shop


def test_a_connection_to_an_embedded_engine(house: Path, airflow_home: Path, tmp_path: Path) -> None:
    path = tmp_path / "embedded"
    answer(LOADED.format(dsn=f"chdb://{path}"), airflow_home, house)
    extra = {"client_kwargs": {"interface": "chdb", "path": str(path)}}
    found = json.dumps({"conn_type": "clickhouse", "extra": extra})
    assert answer(BUILD, airflow_home, house, AIRFLOW_CONN_HOUSE=found) == STATES


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    started = Server(tmp_path / "server")
    yield started
    started.close()


def test_a_connection_to_a_server(house: Path, airflow_home: Path, server: Server) -> None:
    answer(LOADED.format(dsn=str_of(server)), airflow_home, house)
    found = {"conn_type": "clickhouse", "host": "127.0.0.1", "port": server.port, "schema": "default"}
    found |= {"login": "default", "password": PASSWORD}
    assert answer(BUILD, airflow_home, house, AIRFLOW_CONN_HOUSE=json.dumps(found)) == STATES


def str_of(server: Server) -> str:
    from urllib.parse import quote

    return f"clickhouse://default:{quote(PASSWORD, safe='')}@127.0.0.1:{server.port}/default"


def test_a_connection_that_is_missing(house: Path, airflow_home: Path) -> None:
    assert answer(BUILD, airflow_home, house)["build"] == "failed"


RETRIES = """
import json
from assay import errors
from dag_factory.loader import RETRIES
def decided(kind):
    found = RETRIES.evaluate(kind.of("E503", "m", why="w", fix="f"), 1, 3, None)
    return [found.action.name, found.retry_delay and found.retry_delay.total_seconds()]
kinds = (errors.UsageError, errors.DefinitionsError, errors.CheckFailed, errors.EngineBusy, errors.WarehouseError)
print(json.dumps([decided(kind) for kind in kinds]))
"""


def test_what_a_repetition_cannot_help_fails_at_once(shop: Path, airflow_home: Path) -> None:
    never = ["FAIL", None]
    assert answer(RETRIES, airflow_home, shop) == [never, never, never, ["RETRY", 15.0], ["DEFAULT", None]]


WEEKS = f"""{TEST}
from airflow.serialization.serialized_objects import DagSerialization
dag = DagSerialization.from_dict(json.loads(json.dumps(DagSerialization.to_dict(found["forecast__sales"]))))
mapper = dag.timetable.default_partition_mapper
days = sorted(mapper.to_upstream("2025-03-24"))
print(json.dumps([{{mapper.to_downstream(day) for day in days}} == {{"2025-03-24"}}, days]))
"""


def test_a_forecast_waits_for_the_seven_days_of_a_week_also_when_clocks_change(
    shop: Path, change: Change, airflow_home: Path
) -> None:
    change("project.yaml", "Europe/Moscow", "Europe/Berlin")  # 30 March 2025 has 23 hours
    (shop / "metrics" / "forecasts.yaml").write_text("forecasts:\n  sales: {metrics: [revenue, visits]}\n")
    compile_dags(shop)
    whole, days = answer(WEEKS, airflow_home, shop)
    assert (whole, days) == (True, [f"2025-03-{day}" for day in range(24, 31)])
