"""`new`: flags become YAML, what is missing is asked for or refused, and nothing else in a file changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from assay.cli import new
from assay.cli.main import main
from assay.config import shape
from assay.config.definitions import KINDS
from assay.config.fields import fields, types
from assay.config.yaml import parse
from assay.project import Project

FEED = """\
# Written by hand.
sources:
  feed:
    table: feed_actions   # one row per event
    time: time
    entities: {user: user_id, post: post_id}
    dimensions: {os: os}
    columns: {user_id: UInt32, post_id: UInt32, time: DateTime, action: String, exp_group: UInt8, os: String}

metrics:
  views: {type: count, source: feed, where: "action = 'view'"}   # seen
  users: {type: unique, source: feed, of: user}

# where messages go
routes:
  box: {stdout: {}}
"""
METRIC = ("new", "metric")
EXPERIMENT = (
    "new", "experiment", "button", "--hypothesis", "A larger button: it's liked more.", "--assignment-source", "feed",
    "--assignment-column", "exp_group", "--assignment-variants", "control=0,treatment=1", "--start", "2025-08-02",
    "--end", "2025-08-09", "--metrics-primary", "views",
)  # fmt: skip


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "project"
    (root / "metrics").mkdir(parents=True)
    (root / "project.yaml").write_text("name: test\n")
    (root / "metrics/feed.yaml").write_text(FEED)
    monkeypatch.chdir(root)
    return root


def platform(*arguments: str, code: int = 0, answers: str | None = None) -> Result:
    done = CliRunner().invoke(main, arguments, input=answers)
    assert done.exit_code == code, done.output
    assert "bug in Assay" not in done.output
    return done


def body(path: Path, kind: str, name: str) -> Any:
    return parse(path.read_bytes(), path.name).data[kind][name]


def test_a_metric_stands_at_the_end_of_its_section(project: Path) -> None:
    platform(*METRIC, "likes", "--type", "count", "--source", "feed", "--where", "action = 'like'", "--good", "up")
    line = "  likes: {type: count, source: feed, where: action = 'like', good: up}\n"
    assert (project / "metrics/feed.yaml").read_text() == FEED.replace("of: user}\n", "of: user}\n" + line)
    assert "likes" in Project.load(project).catalog.metrics
    assert not (project / ".assay").exists()


# type: flags, and the body that they become
EVERY_TYPE: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "count": (("--source", "feed"), {"source": "feed"}),
    "sum": (("--source", "feed", "--value", "post_id"), {"source": "feed", "value": "post_id"}),
    "mean": (("--source", "feed", "--value", "post_id"), {"source": "feed", "value": "post_id"}),
    "quantile": (
        ("--source", "feed", "--value", "post_id", "--level", "0.5"),
        {"source": "feed", "value": "post_id", "level": 0.5},
    ),
    "unique": (("--source", "feed", "--of", "post"), {"source": "feed", "of": "post"}),
    "funnel": (
        ("--source", "feed", "--of", "user", "--steps", "view=action = 'view'", "--steps", "like=action = 'like'"),
        {"source": "feed", "of": "user", "steps": {"view": "action = 'view'", "like": "action = 'like'"}},
    ),
    "gap": (("--source", "feed", "--of", "user,post"), {"source": "feed", "of": ["user", "post"]}),
    "ratio": (
        ("--numerator", "views", "--denominator", "users", "--tier", "1"),
        {"numerator": "views", "denominator": "users", "tier": 1},
    ),
    "set": (("--expr", "users & users"), {"expr": "users & users"}),
    "new": (("--metric", "users"), {"metric": "users"}),
    "retention": (
        ("--cohort", "users", "--returns", "users", "--day", "7"),
        {"cohort": "users", "returns": "users", "day": 7},
    ),
    "lifecycle": (("--metric", "users"), {"metric": "users"}),
    "rolling": (("--metric", "users", "--window", "7d"), {"metric": "users", "window": "7d"}),
    "derived": (("--expr", "views / users"), {"expr": "views / users"}),
}


@pytest.mark.parametrize("type_", EVERY_TYPE)
def test_every_type(project: Path, type_: str) -> None:
    flags, wanted = EVERY_TYPE[type_]
    platform(*METRIC, "one", "--type", type_, *flags)
    assert body(project / "metrics/feed.yaml", "metrics", "one") == {"type": type_, **wanted}


@pytest.mark.parametrize("type_", shape.members("metrics"))
def test_types_and_required_fields_come_from_the_models(project: Path, type_: str) -> None:
    """A new type needs no line here: its required fields are named as missing."""
    assert set(types("metrics")) == set(shape.members("metrics"))
    model = shape.members("metrics")[type_]
    required = {f"--{name}" for name, field in model.model_fields.items() if field.is_required()} - {"--type"}
    assert {each.option.replace("-", "_") for each in fields("metrics", type_) if each.required} == {
        each.replace("-", "_") for each in required
    }
    done = platform(*METRIC, "one", "--type", type_, code=2)
    assert all(option in done.stderr for option in required)


@pytest.mark.parametrize("noun", new.KINDS)
def test_every_field_is_an_option(project: Path, noun: str) -> None:
    told = platform("new", noun, "--help").output
    models = shape.members(f"{noun}s").values() or [KINDS[f"{noun}s"]]
    for name in {name for model in models for name in model.model_fields} - {"type"}:
        assert f"--{name.replace('_', '-')}" in told


def test_an_experiment_gets_a_file_and_the_schema(project: Path) -> None:
    flags = ("--metrics-guardrail", "users=-5%", "--design-mde", "0.01", "--analysis-cuped", "7d", "--validity", "srm")
    platform(*EXPERIMENT, *flags)
    path = project / "experiments/button.yaml"
    assert path.read_text().startswith(
        "# yaml-language-server: $schema=../.assay/schema.json\nexperiments:\n  button:\n"
    )
    assert (project / ".assay/schema.json").is_file()
    assert body(path, "experiments", "button") == {
        "hypothesis": "A larger button: it's liked more.",
        "assignment": {"source": "feed", "column": "exp_group", "variants": {"control": 0, "treatment": 1}},
        "exposure": {"source": "feed"},
        "start": "2025-08-02",
        "end": "2025-08-09",
        "metrics": {"primary": ["views"], "guardrail": {"users": "-5%"}},
        "design": {"mde": 0.01},
        "analysis": {"cuped": "7d"},
        "validity": ["srm"],
    }
    assert list(Project.load(project).catalog.definitions.experiments) == ["button"]


def test_alerts_share_a_file(project: Path) -> None:
    detector = ("--detector", "type=mad,threshold=5", "--every", "1h", "--total", "true", "--explain", "os")
    platform("new", "alert", "one", "--metrics", "views,users", "--route", "box", *detector)
    platform("new", "alert", "two", "--metrics", "views", "--metrics", "users", "--route", "box")
    path = project / "alerts/alerts.yaml"
    assert body(path, "alerts", "one") == {
        "metrics": ["views", "users"],
        "route": "box",
        "every": "1h",
        "total": True,
        "detector": {"type": "mad", "threshold": 5},
        "explain": ["os"],
    }
    assert body(path, "alerts", "two") == {"metrics": ["views", "users"], "route": "box"}


REFUSED: dict[str, tuple[tuple[str, ...], int, str]] = {
    "a bad name": ((*METRIC, "Bad Name", "--type", "count", "--source", "feed"), 2, "Write bad_name instead"),
    "a path as a name": (("new", "experiment", "../x", *EXPERIMENT[3:]), 2, "E104"),
    "an existing name": ((*METRIC, "views", "--type", "count", "--source", "feed"), 2, "metrics/feed.yaml:11:3"),
    "no type": ((*METRIC, "one"), 2, "lacks --type"),
    "an unknown type": ((*METRIC, "one", "--type", "counts"), 2, "'counts' is not one of"),
    "an unknown source": ((*METRIC, "one", "--type", "count", "--source", "fed"), 1, "Did you mean 'feed'?"),
    "a path as a source": ((*METRIC, "one", "--type", "count", "--source", "../../../x"), 1, "E104"),
    "an unknown column": (
        (*METRIC, "one", "--type", "count", "--source", "feed", "--where", "acton = 'x'"),
        1,
        "Did you mean 'action'?",
    ),
    "a field of another type": (
        (*METRIC, "one", "--type", "count", "--source", "feed", "--value", "post_id"),
        1,
        "Unknown field 'value'",
    ),
    "a number that is none": (
        (*METRIC, "one", "--type", "quantile", "--source", "feed", "--value", "post_id", "--level", "half"),
        1,
        "must be a number",
    ),
    "a pair that is none": (
        (*METRIC, "one", "--type", "funnel", "--source", "feed", "--of", "user", "--steps", "view"),
        2,
        "not NAME=VALUE",
    ),
    "broken brackets": (
        (*METRIC, "one", "--type", "funnel", "--source", "feed", "--of", "user", "--steps", "{view: "),
        2,
        "E001",
    ),
    "a file that nobody reads": (
        (*METRIC, "one", "--type", "count", "--source", "feed", "--file", "notes/one.yaml"),
        2,
        "Nothing is read from notes/one.yaml",
    ),
    "a file elsewhere": (
        (*METRIC, "one", "--type", "count", "--source", "feed", "--file", "../../one.yaml"),
        2,
        "Nothing is read from",
    ),
    "the settings": (
        (*METRIC, "one", "--type", "count", "--source", "feed", "--file", "project.yaml"),
        2,
        "Nothing is read from project.yaml",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused_writes_nothing(project: Path, case: str) -> None:
    arguments, code, told = REFUSED[case]
    before = {path: path.read_bytes() for path in project.rglob("*.yaml")}
    assert told in platform(*arguments, code=code).output
    assert {path: path.read_bytes() for path in project.rglob("*.yaml")} == before
    assert sorted(each.name for each in project.parent.iterdir()) == [project.name]


def test_a_project_with_mistakes_is_corrected_first(project: Path) -> None:
    (project / "metrics/feed.yaml").write_text(FEED.replace("of: user", "of: usr"))
    assert "E205" in platform(*METRIC, "one", "--type", "count", "--source", "feed", code=1).output


def test_questions_on_a_terminal(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(new, "_interactive", lambda: True)
    done = platform(*METRIC, "posts", answers="unique\n\npost\n")
    assert "type (count, sum" in done.output
    assert "source (feed) [feed]" in done.output
    assert "of (user, post) [user]" in done.output
    assert body(project / "metrics/feed.yaml", "metrics", "posts") == {"type": "unique", "source": "feed", "of": "post"}
    platform("new", "alert", "one", answers="views, users\n\n")
    assert body(project / "alerts/alerts.yaml", "alerts", "one") == {"metrics": ["views", "users"], "route": "box"}


def test_another_file_and_a_project_without_the_usual_folder(project: Path) -> None:
    (project / "project.yaml").write_text("name: test\ndefinitions: [metrics]\n")
    platform(*METRIC, "one", "--type", "count", "--source", "feed", "--file", "metrics/team/more.yaml")
    first = (project / "metrics/team/more.yaml").read_text().splitlines()[0]
    assert first == "# yaml-language-server: $schema=../../.assay/schema.json"
    platform(*EXPERIMENT)
    assert body(project / "metrics/button.yaml", "experiments", "button")["start"] == "2025-08-02"


def test_the_schema_follows_the_version(project: Path) -> None:
    platform("new", "alert", "one", "--metrics", "views", "--route", "box")
    schema = project / ".assay/schema.json"
    written = schema.read_text()
    schema.write_text("{}")
    platform(*METRIC, "one", "--type", "count", "--source", "feed")
    assert schema.read_text() == written
