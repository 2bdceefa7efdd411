"""The manifest on disk: what stays, what goes stale, and what a reader can never see."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from assay.errors import DefinitionsError
from dag_factory import store
from dag_factory.compile import Compiled, compile_dags
from dag_factory.difference import difference
from dag_factory.problems import BrokenDefinitionsError, problems, raise_problems
from dag_factory.retention import remove_old

Change = Callable[[str, str, str], None]
METRICS, EXPERIMENTS = "metrics/metrics.yaml", "experiments/button.yaml"


def stale(result: Compiled) -> set[str]:
    return {dag.dag_id for dag in result.dags if dag.stale}


def ids(result: Compiled) -> set[str]:
    return {dag.dag_id for dag in result.dags}


def test_unchanged_files_are_not_compiled_again(shop: Path) -> None:
    first, second = compile_dags(shop), compile_dags(shop)
    assert (first.changed, second.changed) == (True, False)
    assert (second.manifest, second.dags) == (first.manifest, first.dags)
    assert list(problems(shop)) == []


def test_the_same_files_give_the_same_manifest_anywhere(shop: Path, tmp_path: Path) -> None:
    other = tmp_path / "elsewhere"
    for path in (
        "project.yaml",
        METRICS,
        EXPERIMENTS,
        "metrics/models.yaml",
        "metrics/sources.yaml",
        "alerts/alerts.yaml",
    ):
        (other / path).parent.mkdir(parents=True, exist_ok=True)
        (other / path).write_bytes((shop / path).read_bytes())
    assert compile_dags(shop).manifest == compile_dags(other).manifest


def test_a_wrong_definition_keeps_its_last_good_dag_and_its_siblings_go_on(shop: Path, change: Change) -> None:
    before = compile_dags(shop)
    change(EXPERIMENTS, "hypothesis: A larger", "hypotesis: A larger")
    change(EXPERIMENTS, "A banner brings", "A large banner brings")
    after = compile_dags(shop)
    assert (ids(after), stale(after)) == (ids(before), {"experiment__button"})
    (error,) = after.manifest.errors
    assert (error["path"], error["line"], error["code"]) == (EXPERIMENTS, 4, "E102")
    old, new = ({dag.dag_id: dag for dag in each.dags} for each in (before, after))
    assert new["experiment__button"].definitions == old["experiment__button"].definitions
    assert new["experiment__banner"].definitions == after.manifest.inputs != before.manifest.inputs


def test_what_reads_a_wrong_metric_is_stale(shop: Path, change: Change) -> None:
    compile_dags(shop)
    change(METRICS, "value: amount", "value: amonut")
    after = compile_dags(shop)
    reading = {"alerts__1d", "alerts__1h", "experiment__button", "metrics__orders", "report__early", "report__morning"}
    assert stale(after) == reading
    change(METRICS, "value: amonut", "value: amount")
    assert stale(compile_dags(shop)) == set()


def test_a_file_that_cannot_be_read_loses_no_dag(shop: Path) -> None:
    before = compile_dags(shop)
    (shop / "alerts/alerts.yaml").write_text("alerts: [unclosed\n", encoding="utf-8")
    after = compile_dags(shop)
    assert ids(after) == ids(before)
    assert {"alerts__15m", "alerts__1h", "report__morning", "report__early"} <= stale(after)
    assert "metrics__visits" not in stale(after)


def test_wrong_settings_change_nothing(shop: Path, change: Change) -> None:
    before = compile_dags(shop)
    change("project.yaml", "Europe/Moscow", "Europe/Moskow")
    after = compile_dags(shop)
    assert stale(after) == ids(after) == ids(before)


def test_what_is_deleted_goes(shop: Path) -> None:
    compile_dags(shop)
    (shop / EXPERIMENTS).unlink()
    after = compile_dags(shop)
    assert not [name for name in ids(after) if name.startswith("experiment__")]
    assert stale(after) == set()


def test_without_an_earlier_manifest_the_good_ones_are_there(shop: Path, change: Change) -> None:
    change(EXPERIMENTS, "start: 2025-03-03", "start: 2025-03-33")
    result = compile_dags(shop)
    assert "experiment__button" not in ids(result)
    assert {"experiment__banner", "metrics__orders", "report__morning"} <= ids(result)


def test_mistakes_are_an_import_error_with_file_and_line(shop: Path, change: Change) -> None:
    with pytest.raises(BrokenDefinitionsError, match="E803 Nothing was compiled"):
        raise_problems(shop)
    compile_dags(shop)
    raise_problems(shop)
    change(METRICS, "type: count, source: visits", "type: cuont, source: visits")
    with pytest.raises(BrokenDefinitionsError, match="E803 The definitions have changed"):
        raise_problems(shop)
    compile_dags(shop)
    with pytest.raises(BrokenDefinitionsError, match=r"metrics/metrics.yaml:5:18: E105"):
        raise_problems(shop)


def test_damaged_files_are_told_and_made_again(shop: Path) -> None:
    sha = compile_dags(shop).manifest.sha
    store.shard_file(shop, sha, "maintenance").write_text("{", encoding="utf-8")
    store.shard_file(shop, sha, "alerts__15m").unlink()
    assert [each.split("'")[1] for each in problems(shop)] == ["alerts__15m", "maintenance"]
    assert {"maintenance", "alerts__15m"}.isdisjoint(dag.dag_id for dag in store.shards(shop, sha))
    assert compile_dags(shop).manifest.sha == sha
    assert list(problems(shop)) == []


def test_a_compilation_that_dies_leaves_the_manifest_in_use(
    shop: Path, change: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    sha = compile_dags(shop).manifest.sha
    change(METRICS, "type: count, source: visits", "type: count, source: visits, label: Visits")

    def die(_self: Path, _target: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", die)
    with pytest.raises(KeyboardInterrupt):
        compile_dags(shop)
    monkeypatch.undo()
    assert store.current(shop) == sha
    assert store.damaged(shop, store.read(shop)) == []
    assert compile_dags(shop).manifest.sha != sha


def test_the_definitions_of_a_manifest_are_kept(shop: Path) -> None:
    result = compile_dags(shop)
    kept = store.definitions(shop, result.manifest.inputs)
    assert (kept / METRICS).read_bytes() == (shop / METRICS).read_bytes()


def test_old_manifests_go_and_stale_dags_keep_their_definitions(shop: Path, change: Change) -> None:
    first = compile_dags(shop).manifest
    change(EXPERIMENTS, "hypothesis: A larger", "hypotesis: A larger")
    for at in range(4):
        with (shop / METRICS).open("a") as file:
            file.write(f"  more_{at}: {{type: count, source: orders}}\n")
        last = compile_dags(shop)
    assert remove_old(shop, keep=2) > 0
    assert stale(last) == {"experiment__button"}
    assert store.definitions(shop, first.inputs).is_dir()
    assert not (store.home(shop) / first.sha).exists()
    assert remove_old(shop, keep=2) == 0


def test_a_manifest_of_another_version_is_refused(shop: Path) -> None:
    sha = compile_dags(shop).manifest.sha
    file = store.home(shop) / sha / "manifest.json"
    file.write_text(json.dumps(json.loads(file.read_bytes()) | {"version": 99}))
    with pytest.raises(DefinitionsError, match="E803"):
        store.read(shop)


def test_the_difference_to_the_manifest_in_use(shop: Path, change: Change) -> None:
    assert {each.what for each in difference(shop)} == {"new"}
    compile_dags(shop)
    assert difference(shop) == []
    change("alerts/alerts.yaml", "every: 1h", "every: 2h")
    change(EXPERIMENTS, "hypothesis: A larger", "hypotesis: A larger")
    change("metrics/sources.yaml", "lateness: 2d", "lateness: 3d")
    found = {(each.dag_id, each.what, each.fields) for each in difference(shop)}
    assert found == {
        ("alerts__1h", "removed", ()),
        ("alerts__2h", "new", ()),
        ("experiment__button", "stale", ()),
        ("metrics__orders", "changed", ("tasks",)),
        ("models__metrics_models", "changed", ("tasks",)),  # it reads the orders
    }
