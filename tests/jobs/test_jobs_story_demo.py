"""The story of the outage at the demo's default scale, where its four cities hold enough users to be told apart."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from assay.jobs.outputs import report
from assay.project import Project

pytestmark = pytest.mark.slow


def test_the_cause_of_the_outage_is_named(big_demo_project: Project) -> None:
    with big_demo_project.open(datetime(2026, 1, 1, tzinfo=UTC)) as context:
        seen = report.view(context, context.catalog.report("daily"), date(2025, 8, 24))
    story = " ".join(seen.story)
    assert "city Moscow, St Petersburg, Yekaterinburg and Novosibirsk −8" in story
    assert "there feed only −100.0 %" in story
    assert "On the calendar: The feed is down in four cities." in story
