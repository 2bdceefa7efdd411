"""The cache may make things quick; it may never make them wrong."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import assay
from assay.config import cache
from assay.config.cache import Outcome
from assay.config.load import load

Write = Callable[..., Path]
METRIC = "metrics:\n  views: {type: count, source: feed}\n"


def validate(root: Path) -> Outcome:
    """What the command does: answer from the cache, or load and remember."""
    if known := cache.outcome(root):
        return known
    loaded = load(root)
    result = Outcome(len(loaded.definitions), loaded.diagnostics)
    cache.store(root, result, loaded.inputs)
    return result


def age(root: Path) -> None:
    """Makes the cache trust the times of every file, as it does two seconds after they were written."""
    seen = cache.look(root, ("metrics", "experiments", "alerts"), {})
    stats = {path: (root / path).stat() for path, (digest, _) in seen.states.items() if digest}
    stamps = {path: (each.st_mtime_ns, each.st_ctime_ns, each.st_size, each.st_ino) for path, each in stats.items()}
    states = {path: (digest, stamps.get(path)) for path, (digest, _) in seen.states.items()}
    loaded = load(root)
    cache.store(root, Outcome(len(loaded.definitions), loaded.diagnostics), cache.Inputs(seen.folders, states))


def test_the_outcome_is_remembered_with_its_diagnostics(write: Write) -> None:
    root = write({"metrics/a.yaml": METRIC + "metric: {}\n"})
    first = validate(root)
    assert [each.code for each in first.diagnostics] == ["E101"]
    assert cache.outcome(root) == first


def edit(root: Path) -> None:
    (root / "metrics/a.yaml").write_text(METRIC.replace("views", "likes_longer"))


def add(root: Path) -> None:
    (root / "alerts").mkdir()
    (root / "alerts/b.yml").write_text("metrics: {}\n")


def remove(root: Path) -> None:
    (root / "metrics/a.yaml").unlink()


def rename(root: Path) -> None:
    (root / "metrics/a.yaml").rename(root / "metrics/b.yaml")


def settle(root: Path) -> None:
    (root / "project.yaml").write_text("name: other\n")


def add_macro(root: Path) -> None:
    (root / "metrics/macro.sql.j2").write_text("1")


def same_size_and_time(root: Path) -> None:
    path = root / "metrics/a.yaml"
    before = path.stat()
    path.write_text(METRIC.replace("views", "likes"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)


@pytest.mark.parametrize("aged", [False, True])
@pytest.mark.parametrize("change", [edit, add, remove, rename, settle, add_macro, same_size_and_time])
def test_any_change_forgets_the_outcome(write: Write, change: Callable[[Path], None], aged: bool) -> None:
    root = write({"metrics/a.yaml": METRIC})
    validate(root)
    if aged:
        age(root)
        time.sleep(0.02)  # the clock of file times may stand still for some milliseconds
    assert cache.outcome(root) is not None
    change(root)
    assert cache.outcome(root) is None


def test_a_touched_file_with_the_same_content_is_unchanged(write: Write) -> None:
    root = write({"metrics/a.yaml": METRIC})
    result = validate(root)
    os.utime(root / "metrics/a.yaml", ns=(1, 1))
    assert cache.outcome(root) == result


def test_a_file_changed_while_loading_is_not_remembered_as_it_was(write: Write) -> None:
    root = write({"metrics/a.yaml": METRIC})
    loaded = load(root)
    edit(root)
    cache.store(root, Outcome(len(loaded.definitions), loaded.diagnostics), loaded.inputs)
    assert cache.outcome(root) is None


def test_an_edited_file_is_parsed_anew_and_the_others_are_not(write: Write) -> None:
    root = write({"metrics/a.yaml": METRIC, "metrics/b.yaml": METRIC.replace("views", "likes")})
    load(root)
    _, before = cache.documents(root)
    edit(root)
    assert set(load(root).definitions.metrics) == {"likes_longer", "likes"}
    _, after = cache.documents(root)
    assert [path for path in after if after[path] != before[path]] == ["metrics/a.yaml"]


def test_a_cached_load_gives_the_same_as_a_fresh_one(write: Write) -> None:
    root = write({"metrics/a.yaml": METRIC, "metrics/b.yaml": "metrics: {a: 1}\n", "metrics/c.yaml": "metrics: [\n"})
    loads = [load(root, use_cache=False), load(root), load(root)]
    assert loads[0].definitions == loads[1].definitions == loads[2].definitions
    assert loads[0].diagnostics == loads[1].diagnostics == loads[2].diagnostics
    assert len({each.definitions.metrics["views"].at("source") for each in loads}) == 1


def test_the_outcome_holds_until_time_gives_another(write: Write) -> None:
    root = write({"metrics/a.yaml": METRIC})
    loaded = load(root)
    stored = Outcome(2, (), until=1_000.0)
    cache.store(root, stored, loaded.inputs)
    assert cache.outcome(root, 999.0) == stored
    assert cache.outcome(root, 1_000.0) is None


@pytest.mark.parametrize("content", [b"", b"nonsense", b"\0" * 100, None])
def test_a_damaged_cache_is_ignored_and_written_anew(write: Write, content: bytes | None) -> None:
    root = write({"metrics/a.yaml": METRIC})
    result = validate(root)
    for path in (root / "target/cache").iterdir():
        whole = path.read_bytes()
        path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]) if content is None else content)
    assert cache.outcome(root) is None
    assert validate(root) == result
    assert cache.outcome(root) == result


def test_the_cache_of_other_code_is_ignored(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    root = write()
    validate(root)
    monkeypatch.setattr(cache, "_key", lambda: b"another version")
    assert cache.outcome(root) is None


def test_a_target_that_cannot_be_written_is_no_error(write: Write) -> None:
    root = write({"metrics/a.yaml": METRIC, "target": "a file where the folder should be"})
    assert validate(root).definitions == 2
    assert cache.outcome(root) is None


def test_the_cache_follows_the_target_setting(write: Write) -> None:
    root = write({"project.yaml": "name: test\ntarget: 'built/here'  # note\n"})
    validate(root)
    assert sorted(path.name for path in (root / "built/here/cache").iterdir()) == ["documents", "outcome"]
    assert not (root / "target").exists()


def imported(code: str, root: Path) -> set[str]:
    program = f"import sys\nroot = sys.argv[1]\n{textwrap.dedent(code)}\nprint(*sys.modules)"
    source = str(Path(assay.__file__).parents[1])
    command = [sys.executable, "-c", program, str(root)]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": source}, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_an_answer_from_the_cache_imports_nothing_heavy(write: Write) -> None:
    root = write({"metrics/a.yaml": METRIC})
    result = validate(root)
    code = f"""
    from pathlib import Path
    from assay.config import cache, render
    from assay.config.root import find_root
    assert cache.outcome(find_root(Path(root))).definitions == {result.definitions}
    """
    found = imported(code, root)
    assert not found & {"pydantic", "pydantic_core", "jinja2", "sqlglot", "yaml", "numpy", "assay.config.definitions"}
    assert {each for each in found if each.startswith("assay")} <= {
        "assay", "assay.errors", "assay.config", "assay.config.cache", "assay.config.root", "assay.config.render",
    }  # fmt: skip


def test_the_package_imports_no_specs(tmp_path: Path) -> None:
    assert not imported("import assay.config", tmp_path) & {"pydantic", "yaml", "assay.config.definitions"}
