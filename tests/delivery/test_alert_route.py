"""`alert route` and sending, from YAML on: who would get what and why, and who gets it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from assay.cli.main import main
from assay.delivery import Message
from assay.jobs.alerts import sending
from assay.jobs.context import Context
from assay.jobs.outputs.contracts import SCHEMAS
from assay.project import Project

ALERTS = """
sources:
  app: {table: events, time: at, entities: {user: user_id}, dimensions: {city: city}}
metrics:
  views: {type: count, source: app, tier: 1, owner: feed-team}
  likes: {type: count, source: app, owner: feed-team}
alerts:
  drop: {metrics: [views], every: 15m, severity: critical, route: feed}
  both: {metrics: [views, likes], every: 1h, by: [city], route: feed}
routes:
  feed:
    telegram: {chat: "${FEED_CHAT}", thread: 7, mention: ["@oncall"], bot: "${BOT}"}
    group_by: [alert]
    repeat: 4h
    quiet: "23:00-07:00"
    limit: 20/h
    fallback: files
    routes: [oncall, moscow]
  oncall: {apprise: {url: "slack://${SLACK}/x"}, match: {severity: critical}, escalate: {after: 30m, to: files}}
  moscow: {stdout: {}, match: {city: Moscow, metric: "!views"}}
  files: {outbox: {path: out}}
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "alerts").mkdir()
    settings = "name: routes\ntimezone: Europe/Moscow\ndefinitions: [alerts]\n"
    (tmp_path / "project.yaml").write_text(settings, encoding="utf-8")
    (tmp_path / "alerts" / "all.yaml").write_text(ALERTS, encoding="utf-8")
    return tmp_path


def run(root: Path, *arguments: str) -> Any:
    environ = {"FEED_CHAT": "-100777", "BOT": "1:secret", "SLACK": "hidden"}
    command = ["alert", "route", "--project", str(root), "--at", "2025-10-07T23:30", *arguments]
    return CliRunner(env=environ).invoke(main, command)


def deliveries(root: Path, *arguments: str) -> list[dict[str, Any]]:
    result = run(root, "--format", "json", *arguments)
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    Draft202012Validator(SCHEMAS["alert route"]).validate(answer)
    assert not [secret for secret in ("-100777", "1:secret", "hidden") if secret in result.output]
    return answer["deliveries"]


def test_who_would_get_what_and_why(root: Path) -> None:
    found = {(each["route"], *each["alerts"]): each for each in deliveries(root)}
    assert list(found) == [("oncall", "drop"), ("files", "drop"), ("feed", "both")]
    oncall, files, feed = found.values()
    assert (oncall["channel"], oncall["recipient"]) == ("apprise", "slack://…")
    assert oncall["reason"] == "enters at feed; oncall takes severity critical"
    assert files["reason"] == "escalation of 'oncall', unless acknowledged or over"
    assert (feed["channel"], feed["recipient"]) == ("telegram", "${FEED_CHAT}, topic 7")
    quiet = "enters at feed; quiet hours 23:00-07:00: waits until 2025-10-08T07:00:00+03:00"
    assert feed["reason"] == quiet


def test_labels_change_the_way(root: Path) -> None:
    (found,) = deliveries(root, "--alert", "both", "--labels", "city=Moscow,metric=likes")
    assert (found["route"], found["recipient"]) == ("moscow", "stdout")
    assert "moscow takes city Moscow, metric !views" in found["reason"]


def test_the_text_names_nobody_when_there_is_nobody(root: Path) -> None:
    result = run(root, "--labels", "route=nowhere")
    assert result.stdout == "drop, both\n  → nobody (route nowhere)\n    there is no route 'nowhere'\n"


@pytest.mark.parametrize("labels", ["severity", "severity=fatal", "=x"])
def test_labels_that_are_none(root: Path, labels: str) -> None:
    assert run(root, "--labels", labels).exit_code == 2


def test_an_unknown_alert(root: Path) -> None:
    result = run(root, "--alert", "drip")
    assert result.exit_code == 2
    assert "Did you mean 'drop'" in result.output


def test_labels_are_what_the_slices_share(root: Path) -> None:
    catalog = Project.load(root).catalog
    metrics = [catalog.metrics[name] for name in ("views", "likes")]
    slices = [{"city": "Moscow"}, {"city": "Moscow", "os": "iOS"}]
    assert sending.labels(catalog.alert("both"), metrics, slices) == {
        "alert": "both",
        "route": "feed",
        "severity": "warning",
        "owner": "feed-team",
        "tier": "1",
        "city": "Moscow",
    }


def test_a_variable_that_is_not_set_turns_to_the_fallback(root: Path) -> None:
    project, now = Project.load(root), datetime(2025, 10, 7, 12, 0, tzinfo=UTC)
    engine: Any = None  # sending needs none
    context = Context(project.catalog, engine, now, environ={"FEED_CHAT": "-100"})
    labels = {"route": "feed", "alert": "both", "severity": "warning"}
    failed, *others = sending.send(context, [Message("a", "Views", "fell", created=now, labels=labels)], now)
    assert (failed.recipient, failed.status) == ("feed", "failed")
    assert "E702 The environment variable BOT is not set" in failed.detail
    assert [(each.channel, each.status) for each in others] == [("outbox", "sent")] * 2
    assert len(list((root / "out").iterdir())) == 2
