"""`platform plan` and `platform apply` as they are called, on the demo project and inside git."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from assay.catalog.resolve import depends_on
from assay.cli.main import main
from assay.project import Project

LIKES = ("\"action = 'like'\", label: Likes", "\"action = 'like' AND age >= 18\", label: Likes")
DESCRIPTION = ("Likes per view in the feed.", "Likes per view of a post in the feed.")
SMALL = """\
sources:
  feed: {table: feed, time: time, entities: {user: user_id}}
metrics:
  likes: {type: count, source: feed, where: "action = 'like'"}
  users: {type: unique, source: feed, of: user}
  likes_per_user: {type: ratio, numerator: likes, denominator: users}
"""

pytestmark = pytest.mark.slow  # the whole demo is built once


def call(project: Path, *arguments: str, code: int = 0) -> str:
    result = CliRunner(env={"ASSAY_DSN": ""}).invoke(main, [*arguments, "--project", str(project)])
    assert result.exit_code == code, result.output
    return result.output


def answer(project: Path, *arguments: str, code: int = 0) -> Any:
    return json.loads(call(project, *arguments, "--format", "json", code=code))


def edit(path: Path, *pairs: tuple[str, str]) -> None:
    text = path.read_text(encoding="utf-8")
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def applied(demo_project: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo with its data, applied; a copy, because its definitions are edited."""
    root = tmp_path_factory.mktemp("plan") / "demo"
    shutil.copytree(demo_project.root, root, symlinks=True)
    assert "Nothing was applied yet" in call(root, "plan", code=2)
    said = call(root, "apply")
    assert "No back-fill: nothing runs." in said, "the states are those of these definitions already"
    assert "Applied: 0 steps" in said
    return root


@pytest.fixture
def demo(applied: Path) -> Iterator[Path]:
    """The demo, to be edited in metrics/feed.yaml; it is as before afterwards."""
    file = applied / "metrics" / "feed.yaml"
    before = file.read_text(encoding="utf-8")
    yield applied
    file.write_text(before, encoding="utf-8")
    call(applied, "apply")


def test_a_changed_filter_names_everything_that_reads_it(demo: Path) -> None:
    edit(demo / "metrics/feed.yaml", LIKES)
    catalog = Project.load(demo).catalog
    dependent = _readers(catalog, "likes")
    found = answer(demo, "plan", code=2)
    (change,) = found["changes"]
    assert (change["kind"], change["name"], change["class"]) == ("metric", "likes", "meaning")
    assert change["path"] == "metrics/feed.yaml"
    reads = {(each["kind"], each["name"]) for each in change["reads_it"]}
    assert "ctr" in dependent
    assert {("metric", name) for name in dependent} == {each for each in reads if each[0] == "metric"}
    assert {("experiment", "similar_posts"), ("experiment", "similar_users")} <= reads
    assert {("alert", "feed_15m"), ("report", "daily"), ("dashboard", "product")} <= reads
    assert {each["status"] for each in change["reads_it"] if each["kind"] == "experiment"} == {"ended"}
    assert change["backfill"] == {"days": None, "rows": None}
    text = call(demo, "plan", code=2)
    assert "metric likes: changes its meaning  (metrics/feed.yaml:3)" in text
    assert all(name in text for _, name in reads)


def _readers(catalog: Any, name: str) -> set[str]:
    """The metrics that name a metric, or name one that does; a check that compares with it is such a name."""
    found: set[str] = set()
    for other, definition in catalog.definitions.metrics.items():
        equal = definition.spec.checks.equals
        if name in {*depends_on(definition), equal.metric if equal else None}:
            found |= {other, *_readers(catalog, other)}
    return found


def test_an_edited_description_is_text_only_and_nothing_runs(demo: Path) -> None:
    edit(demo / "metrics/feed.yaml", DESCRIPTION)
    said = call(demo, "plan", code=2)
    assert "metric ctr: text only" in said
    assert "nothing runs" in said
    result = answer(demo, "apply")
    assert result["steps"] == []
    assert [each["class"] for each in result["changes"]] == ["text"]
    assert call(demo, "plan") == "Nothing to do: the definitions are as applied.\n"


def test_apply_builds_what_changed_and_the_numbers_are_those_of_the_filter(demo: Path) -> None:
    days = ("--from", "2025-08-20", "--to", "2025-08-22")
    before = answer(demo, "query", "likes", "views", *days)["rows"]
    edit(demo / "metrics/feed.yaml", LIKES)
    price = answer(demo, "plan", "--price", code=2)["changes"][0]["backfill"]
    assert price["days"] > 30
    assert price["rows"] > 10_000
    result = answer(demo, "apply")
    assert result["ok"]
    assert {step["name"] for step in result["steps"]} == {"feed:1d", "feed:15m", "ctr"}, "and the check of ctr"
    after = answer(demo, "query", "likes", "views", *days)["rows"]
    assert [row["value"] for row in after if row["metric"] == "views"] == [
        row["value"] for row in before if row["metric"] == "views"
    ]
    younger = [(old["value"], new["value"]) for old, new in zip(before, after, strict=True) if old["metric"] == "likes"]
    assert all(0 < new < old for old, new in younger)


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A small project in a subfolder of a repository, committed."""
    root = tmp_path / "repository" / "shop"
    (root / "metrics").mkdir(parents=True)
    (root / "project.yaml").write_text("name: shop\n")
    (root / "metrics" / "all.yaml").write_text(SMALL)
    git(tmp_path / "repository", "init", "-q", "-b", "main")
    commit(root)
    return root


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=Ann", "-c", "user.email=ann@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def commit(root: Path) -> None:
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "change")


def test_against_a_revision(small: Path) -> None:
    assert call(small, "plan", "--against", "main") == "Nothing to do: the definitions are those of main.\n"
    edit(small / "metrics" / "all.yaml", ("action = 'like'", "action != 'view'"))
    (change,) = answer(small, "plan", "--against", "HEAD", code=2)["changes"]
    assert (change["name"], change["class"]) == ("likes", "meaning")
    commit(small)
    assert answer(small, "plan", "--against", "main")["changes"] == []
    assert answer(small, "plan", "--against", "main~1", code=2)["changes"] == [change]


def test_a_revision_reads_only_what_it_holds(small: Path) -> None:
    """Neither files that were never committed, nor links that lead out of it."""
    (small / "metrics" / "new.yaml").write_text("metrics: {all: {type: count, source: feed}}\n")
    (small / "metrics" / "linked.yaml").symlink_to("new.yaml")
    found = answer(small, "plan", "--against", "main", code=1)
    assert found["error"]["code"] == "E002", "the link defines the same again"
    (small / "metrics" / "linked.yaml").unlink()
    assert [each["class"] for each in answer(small, "plan", "--against", "main", code=2)["changes"]] == ["new"]


def test_mistakes_of_a_revision_are_noted(small: Path) -> None:
    edit(small / "metrics" / "all.yaml", ("numerator: likes", "numerator: lkes"))
    commit(small)
    edit(small / "metrics" / "all.yaml", ("numerator: lkes", "numerator: likes"))
    found = answer(small, "plan", "--against", "main", code=2)
    assert [(each["name"], each["class"]) for each in found["changes"]] == [("likes_per_user", "new")]
    assert "main has 1 mistake" in found["notes"][0]


@pytest.mark.parametrize("revision", ["nothing", "--help", "main:shop", "HEAD~7"])
def test_an_unknown_revision_is_told(small: Path, revision: str) -> None:
    said = answer(small, "plan", f"--against={revision}", code=2)
    assert said["error"]["code"] == "E604"
    assert "there is no such commit" in said["error"]["message"]


def test_names_of_other_files_need_not_be_utf_8(small: Path) -> None:
    (small / os.fsdecode(b"caf\xe9.txt")).write_text("")
    commit(small)
    assert answer(small, "plan", "--against", "main")["changes"] == []


def test_outside_of_git_and_before_the_project_is_told(small: Path, tmp_path: Path) -> None:
    shutil.copytree(small, tmp_path / "alone")
    assert "git says: not a git repository" in call(tmp_path / "alone", "plan", "--against", "HEAD", code=2)
    shutil.copytree(small, small.parent / "younger")
    assert "There is no project.yaml at main" in call(small.parent / "younger", "plan", "--against", "main", code=2)


def test_annotations_for_github(small: Path) -> None:
    edit(small / "metrics" / "all.yaml", ("action = 'like'", "action != 'view'"))
    said = call(small, "plan", "--against", "main", "--format", "github", code=2)
    assert said.startswith("::warning file=shop/metrics/all.yaml,line=4,col=1,title=W301::likes changes its meaning;")
    assert "read by metric likes_per_user" in said
    assert call(small, "plan", "--against", "main~0", "--format", "github", code=2) == said
    commit(small)
    assert call(small, "plan", "--against", "main", "--format", "github") == ""


def test_broken_definitions_are_told_as_ever(small: Path) -> None:
    edit(small / "metrics" / "all.yaml", ("numerator: likes", "numerator: lkes"))
    assert "E201" in call(small, "plan", code=1)


def test_a_damaged_copy_is_told(small: Path) -> None:
    (small / "target").mkdir()
    (small / "target" / "applied.json").write_text("{")
    assert "E604" in call(small, "plan", code=2)
