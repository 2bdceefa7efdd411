"""`investigate` on the demo at its default scale: the planted events are found, and ordinary days are left alone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from jsonschema import Draft202012Validator

from assay.demo import events
from assay.jobs.context import Context
from assay.jobs.outputs.contracts import SCHEMAS
from assay.jobs.queries.investigate import investigate
from assay.jobs.queries.investigation import Investigation
from assay.project import Project

pytestmark = pytest.mark.slow
NEW = "metrics:\n  new_ads: {type: new, metric: feed_dau, label: New feed users}\n"


@pytest.fixture(scope="module")
def demo(big_demo_project: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Context]:
    """With one more metric, whose measures are stored already."""
    root = tmp_path_factory.mktemp("with_new") / "project"
    shutil.copytree(big_demo_project.root, root, ignore=shutil.ignore_patterns("target"))
    (root / "metrics/with_new.yaml").write_text(NEW, encoding="utf-8")
    with big_demo_project.open(datetime(2026, 1, 1, tzinfo=UTC)) as context:
        yield replace(context, catalog=Project.load(root).catalog)


def _found(context: Context, name: str, on: date, versus: date | None = None) -> Investigation:
    found = investigate(context, name, on, versus)
    Draft202012Validator(SCHEMAS["investigate"]).validate({"schema": 1} | found.as_dict())
    return found


def _cities(found: Investigation) -> set[str]:
    (dimension, values), *_ = found.segments[0].by.items()
    assert dimension == "city"
    return set(values)


def test_the_outage_is_four_cities(demo: Context) -> None:
    assert _cities(_found(demo, "feed_dau", events.OUTAGE.first)) == set(events.OUTAGE_CITIES)


def test_the_outage_is_feed_only(demo: Context) -> None:
    found = _found(demo, "dau", events.OUTAGE.first)
    assert _cities(found) == set(events.OUTAGE_CITIES)
    assert dict(found.segments[-1].by)["_part"] == ("feed only",)
    assert found.summary.endswith("; feed only.")
    assert all(city in found.summary for city in events.OUTAGE_CITIES)


def test_the_outage_against_the_day_before(demo: Context) -> None:
    found = _found(demo, "feed_dau", events.OUTAGE.first, events.OUTAGE.first - timedelta(days=1))
    assert _cities(found) == set(events.OUTAGE_CITIES)
    share = found.segments[0].contribution
    assert share is not None
    assert 0.9 < share < 1.2
    assert found.summary.startswith("Feed users fell by")


def test_the_campaign_is_ads(demo: Context) -> None:
    found = _found(demo, "new_ads", events.CAMPAIGN.first)
    assert [dict(each.by) for each in found.segments] == [{"source": ("ads",)}]


@pytest.mark.parametrize("name", ["views", "views_per_user"])
def test_the_flash_mob_is_everybody(demo: Context, name: str) -> None:
    assert not _found(demo, name, date(2025, 8, 18)).segments


@pytest.mark.parametrize("name", ["feed_dau", "ctr"])
def test_on_ordinary_days_nothing_stands_out(demo: Context, name: str) -> None:
    days = [date(2025, 9, 10) + timedelta(days=at) for at in range(19)]
    days += [date(2025, 7, 20) + timedelta(days=at) for at in range(11)]
    named = [day for day in days if _found(demo, name, day).segments]
    assert len(named) <= 0.05 * len(days)
