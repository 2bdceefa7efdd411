"""Cohorts of the demo: the campaign of 15 August is flagged by itself, and nothing else is."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import median

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from assay.cli.main import main
from assay.demo import events
from assay.demo.project import copy_to
from assay.jobs.context import Context
from assay.jobs.outputs.contracts import SCHEMAS
from assay.jobs.queries.cohorts import cohorts
from assay.project import Project

pytestmark = pytest.mark.slow
METRICS = """metrics:
  cohort_new: {type: new, metric: feed_dau}
  cohort_d7: {type: retention, cohort: cohort_new, returns: feed_dau, day: 7}
  cohort_later: {type: retention, cohort: cohort_new, returns: feed_dau, day: 1, method: rolling, horizon: 14d}
"""
CAMPAIGN = events.CAMPAIGN.first
AROUND = (date(2025, 8, 11), date(2025, 9, 6))  # with the flash mob and the outage
Opened = Callable[[Project], Context]


@pytest.fixture
def opened(tmp_path: Path) -> Opened:
    """The warehouse of a demo, under definitions with cohorts of what is stored there."""
    copy_to(tmp_path / "demo")
    (tmp_path / "demo" / "metrics" / "cohorts_of_test.yaml").write_text(METRICS, encoding="utf-8")

    @contextmanager
    def opening(project: Project) -> Iterator[Context]:
        mine = replace(Project.load(tmp_path / "demo"), environ={"ASSAY_DSN": f"chdb://{project.dsn.path}"})
        with mine.open(datetime(2026, 1, 1, tzinfo=UTC)) as context:
            yield context

    return opening


@pytest.mark.parametrize("scale", ["demo_project", "big_demo_project"])
@pytest.mark.parametrize(
    ("name", "by", "flagged"),
    [
        ("cohort_d7", None, {""}),
        ("cohort_d7", "source", {"ads"}),
        ("cohort_d7", "gender", {"female", "male"}),
        ("cohort_later", "source", {"ads"}),
        ("views", "source", {"ads"}),
        ("ctr", "source", set()),
        ("views_per_user", "source", set()),
    ],
)
def test_the_campaign_is_flagged_and_nothing_else(
    request: pytest.FixtureRequest, opened: Opened, scale: str, name: str, by: str | None, flagged: set[str]
) -> None:
    """Neither the flash mob, which doubles the views of all cohorts, nor the outage, which cuts a day of each."""
    with opened(request.getfixturevalue(scale)) as context:
        matrix = cohorts(context, name, *AROUND, cohort="cohort_new", by=by)
    assert {(each.cohort, each.by.get(by or "", "")) for each in matrix.cohorts if each.flagged} == {
        (CAMPAIGN, value) for value in flagged
    }


def test_the_command(demo_project: Project, tmp_path: Path) -> None:
    copy_to(tmp_path / "demo")
    (tmp_path / "demo" / "metrics" / "cohorts_of_test.yaml").write_text(METRICS, encoding="utf-8")

    def asked(*arguments: str, code: int = 0) -> str:
        command = ["query", *arguments, "--from", "2025-08-14", "--to", "2025-08-17", "-p", str(tmp_path / "demo")]
        result = CliRunner(env={"ASSAY_DSN": f"chdb://{demo_project.dsn.path}"}).invoke(main, command)
        assert result.exit_code == code, result.output
        return result.output

    text = asked("cohort_d7", "--cohort", "--days", "9")
    assert [line.split()[0] for line in text.splitlines()[2:5]] == ["2025-08-14", "2025-08-15", "2025-08-16"]
    assert "! 2025-08-15: " in text
    assert "Day 7: best " in text
    answer = json.loads(asked("views", "--cohort", "cohort_new", "--by", "source", "--format", "json"))
    Draft202012Validator(SCHEMAS["query --cohort"]).validate(answer)
    assert [each["flagged"] for each in answer["cohorts"]].count(True) == 1
    assert len(asked("cohort_d7", "--cohort", "--days", "9", "--format", "csv").splitlines()) == 1 + 3 * 9
    assert len(asked("cohort_d7", "--cohort", "--format", "sparkline").splitlines()) == 2 + 3
    assert "E601" in asked("views", "likes", "--cohort", "cohort_new", code=2)
    assert "E601" in asked("cohort_d7", "--cohort", "--grain", "week", code=2)
    assert "E601" in asked("views", "--cohort", code=2)


def test_the_sentence_and_the_baseline_of_the_campaign(big_demo_project: Project, opened: Opened) -> None:
    fridays = [CAMPAIGN - timedelta(weeks=n) for n in range(1, 6)]
    with opened(big_demo_project) as context:
        matrix = cohorts(context, "cohort_d7", CAMPAIGN, CAMPAIGN + timedelta(days=1), by="source")
        earlier = cohorts(context, "cohort_d7", fridays[-1], CAMPAIGN, by="source", baseline=0)
    (ads,) = [each for each in matrix.cohorts if each.by == {"source": "ads"}]
    values = [each.on(1) for each in earlier.cohorts if each.cohort in fridays and each.by == ads.by]
    assert ads.cells[0].baseline == pytest.approx(median(values))
    assert ads.sentence is not None
    assert ads.sentence.startswith(f"2025-08-15, source ads: {ads.size} users, day 1 4.2 % against 2")
    assert ads.sentence.endswith("of the 5 Fridays before")
