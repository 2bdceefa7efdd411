"""The mistakes that only a command meets: its four parts, its exit code, its JSON, and never a traceback."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from assay import stats
from assay.cli.main import main
from assay.engine import connect, parse_dsn
from assay.engine.lock import exclusive
from assay.errors import CODES, UsageError
from assay.statement import Statement

pytestmark = pytest.mark.warehouse


PROJECT = "name: test\nwarehouse: {{dsn: '{dsn}', timeout: 1}}\n"
BASE = """
sources:
  feed:
    table: feed
    time: time
    entities: {user: user_id}
    checks: {accepted: {action: [view]}}
metrics:
  views: {type: count, source: feed}
routes:
  box: {outbox: {path: project.yaml/outbox}}
reports:
  daily: {title: Daily, route: box, blocks: [{type: cards, title: Users, metrics: [views]}]}
"""
FEED = "CREATE TABLE feed (user_id UInt64, time DateTime('UTC'), action String) ENGINE = MergeTree ORDER BY time"
VIEWS = "INSERT INTO feed SELECT number, toDateTime('2025-05-01 12:00:00', 'UTC') + number, 'view' FROM numbers(9)"
LIKE = "INSERT INTO feed SELECT 1, toDateTime('2025-05-01 13:00:00', 'UTC'), 'like'"
SLOW = (
    "CREATE VIEW feed AS SELECT number AS user_id, toDateTime('2025-05-01 12:00:00', 'UTC') AS time, 'view' AS action "
    "FROM numbers(1000000000000) WHERE sipHash64(number) = 1"
)
RUN = ("run", "--from", "2025-05-01", "--to", "2025-05-02")
QUERY = ("query", "views", "--from", "2025-05-01", "--to", "2025-05-02")

# code: (exit code of product.md, arguments, what replaces a part of BASE or the DSN, statements that prepare tables)
CASES: dict[str, tuple[int, tuple[str, ...], tuple[str, str] | str, tuple[str, ...]]] = {
    "E105": (1, ("validate",), ("type: count", "type: counts"), ()),
    "E204": (1, QUERY, ("    checks", "    columns: {user_id: UInt64, time: DateTime}\n    checks"), ()),
    "E402": (1, QUERY, ("type: count, source: feed", "type: sum, source: feed, value: sum(x)"), ()),
    "E201": (2, ("query", "vews", *QUERY[2:]), "", ()),
    "E203": (2, (*QUERY, "--by", "os"), "", (FEED, VIEWS)),
    "E501": (3, QUERY, "none", ()),
    "E502": (3, QUERY, "postgres://ann:hunter2@host/db", ()),
    "E503": (3, QUERY, "busy", ()),
    "E504": (3, QUERY, "clickhouse://ann:hunter2@127.0.0.1:1/db", ()),
    "E505": (3, RUN, ("type: count, source: feed", "type: sum, source: feed, value: action"), (FEED, VIEWS)),
    "E506": (3, RUN, "", ()),
    "E507": (3, RUN, ("type: count, source: feed", "type: sum, source: feed, value: money"), (FEED, VIEWS)),
    "E508": (3, QUERY, "chdb://project.yaml/warehouse", ()),
    "E509": (3, RUN, "", (SLOW,)),
    "E511": (3, ("run",), "", (FEED,)),
    "E601": (2, ("init", "."), "", ()),
    "E602": (2, (*QUERY[:2], "--from", "2025-05-02", "--to", "2025-05-02"), "", ()),
    "E604": (2, ("plan", "--against", "HEAD"), "", ()),
    "E702": (2, QUERY, "clickhouse://ann:${ASSAY_TEST_UNSET}@host", ()),
}
# Codes whose text is a line of an outcome, not an error: tested one by one below; E603 and W301 beside `plan`,
# E515 to E517 in tests/operations.
OUTCOMES = {"E510", "E512", "E513", "E514", "E515", "E516", "E517", "E603", "E701", "W301", "W501", "W601"}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Writes a project, prepares its tables, and makes it the current folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ASSAY_DSN", raising=False)

    def write(change: tuple[str, str] | str, prepare: tuple[str, ...]) -> Path:
        dsn = change if isinstance(change, str) and "://" in change else "chdb://warehouse"
        text = "name: test\n" if change == "none" else PROJECT.format(dsn=dsn)
        (tmp_path / "project.yaml").write_text(text)
        (tmp_path / "metrics").mkdir()
        (tmp_path / "metrics" / "all.yaml").write_text(BASE.replace(*change) if isinstance(change, tuple) else BASE)
        if prepare:
            with connect(parse_dsn("chdb://warehouse", tmp_path)) as engine:
                for sql in prepare:
                    engine.run(Statement(sql, "prepare", writes=True))
        return tmp_path

    return write


def platform(*arguments: str) -> Any:
    """The command, in this process."""
    done = CliRunner().invoke(main, arguments)
    assert "Traceback" not in done.output
    assert "hunter2" not in done.output
    return done


@pytest.fixture(autouse=True)
def _short_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assay.project.connect", lambda dsn, timeout, _wait, *more: connect(dsn, timeout, 0.05, *more))


@pytest.mark.parametrize("code", CASES)
def test_a_mistake_has_four_parts_and_an_exit_code(project: Callable[..., Path], code: str) -> None:
    exit_code, arguments, change, prepare = CASES[code]
    root = project(change, prepare)
    if change == "busy":
        with exclusive(root / "warehouse"):
            done = platform(*arguments)
    else:
        done = platform(*arguments)
    assert done.exit_code == exit_code, done.output
    said = done.stdout if arguments == ("validate",) else done.stderr
    message = next(line for line in said.splitlines() if f"{code} " in line)
    assert message.endswith((".", "?"))
    assert "  why: " in said
    assert "  fix: " in said
    assert said.count("  why: ") == 1


@pytest.mark.parametrize("code", [code for code, case in CASES.items() if case[1][0] in ("query", "run")])
def test_the_same_as_json(project: Callable[..., Path], code: str) -> None:
    exit_code, arguments, change, prepare = CASES[code]
    root = project(change, prepare)
    if change == "busy":
        with exclusive(root / "warehouse"):
            done = platform(*arguments, "--format", "json")
    else:
        done = platform(*arguments, "--format", "json")
    assert done.exit_code == exit_code
    answer = json.loads(done.stdout)
    assert answer["schema"] == 1
    assert answer["error"].keys() == {"code", "message", "why", "fix"}
    assert answer["error"]["code"] == code


def test_a_failed_check_is_exit_code_5_and_publishes_nothing(project: Callable[..., Path]) -> None:
    root = project("", (FEED, VIEWS, LIKE))
    done = platform(*RUN)
    assert done.exit_code == 5
    assert "accepted action: 1" in done.stderr
    with connect(parse_dsn("chdb://warehouse", root)) as engine:
        assert engine.run(Statement("SELECT count() FROM assay.measure_states", "count")).scalar() == 0


def test_a_source_that_is_not_fresh_is_exit_code_5(project: Callable[..., Path]) -> None:
    project(("    checks", "    freshness: 1h\n    checks"), (FEED, VIEWS))
    done = platform("run")
    assert done.exit_code == 5
    assert "E512 The source 'feed' is not fresh: the newest event is " in done.stderr
    assert "2025-05-01 is not built" in done.stderr


def test_a_failed_check_of_rows_and_values_is_in_the_table(project: Callable[..., Path]) -> None:
    project(("type: count, source: feed", "type: count, source: feed, checks: {range: [10, null]}"), (FEED, VIEWS))
    assert platform(*RUN).exit_code == 5
    done = platform("check")
    assert done.exit_code == 5
    assert "9 is below 10" in done.stdout
    assert "2025-04-25 to 2025-05-02: 1 failed, 7 passed, 6 skipped" in done.stdout


def test_a_failed_warning_is_told(project: Callable[..., Path]) -> None:
    project(
        ("checks: {accepted: {action: [view]}}", "checks: {warn: {accepted: {action: [view]}}}"), (FEED, VIEWS, LIKE)
    )
    done = platform(*RUN)
    assert done.exit_code == 0
    assert "warning feed:1d 2025-05-01: accepted action: 1 of 10 rows on 2025-05-01" in done.stderr


def test_a_message_that_cannot_be_delivered_is_exit_code_4(project: Callable[..., Path]) -> None:
    project("", (FEED, VIEWS))
    assert platform(*RUN).exit_code == 0
    done = platform("report", "send", "daily", "--date", "2025-05-01")
    assert done.exit_code == 4
    assert "E701" in done.output


def test_a_source_that_cannot_be_tried_is_a_warning(project: Callable[..., Path]) -> None:
    project("", ())
    done = platform("validate", "--engine")
    assert done.exit_code == 0
    assert "W501" in done.output
    assert "  fix: " in done.output


def test_too_little_data_is_said() -> None:
    with pytest.raises(UsageError) as caught:
        stats.Moments.empty(("y",)).mean("y")
    assert caught.value.diagnostics[0].code == "W601"


def test_every_code_of_the_table_has_a_case() -> None:
    """A code without a case here or beside this file is a code that nobody can meet; schedules have their own tests."""
    files = {path.stem.split("_")[0] for path in Path(__file__).parent.glob("[EW]*_*")}
    schedules = {code for code in CODES if code.startswith("E8")}
    assert files | CASES.keys() | OUTCOMES | schedules == CODES.keys()
