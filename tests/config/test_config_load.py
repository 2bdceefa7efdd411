"""Loading whole projects: every mistake in one go, and definitions that know where they stand."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.config.base import FieldError, parse_duration, show_duration
from assay.config.definitions import KINDS
from assay.config.env import resolve
from assay.config.load import Loaded, find_root, load
from assay.config.shape import Subject, check, members
from assay.config.yaml import Places, parse
from assay.errors import CODES, DefinitionsError, Diagnostic, Location, UsageError

Write = Callable[..., Path]
REPOSITORY = Path(__file__).parents[2]
GOOD = "metrics:\n  good: {type: count, source: feed}\n"


def told(loaded: Loaded) -> list[str]:
    return [f"{each.location} {each.code}" for each in loaded.diagnostics]


def test_the_demo_project_loads() -> None:
    loaded = load(REPOSITORY, use_cache=False)
    assert loaded.diagnostics == ()
    assert len(loaded.definitions) > 30


def test_definitions_know_their_places(write: Write) -> None:
    root = write(
        {"metrics/a.yaml": "metrics:\n  ctr:\n    type: ratio\n    numerator: likes\n    denominator: views\n"}
    )
    found = load(root).definitions.metrics["ctr"]
    assert str(found.location) == "metrics/a.yaml:2:3"
    assert str(found.at("numerator")) == "metrics/a.yaml:4:16"
    assert str(found.at_key("numerator")) == "metrics/a.yaml:4:5"
    assert found.at("nothing") == found.at() == found.at_key() == found.location


def test_all_mistakes_of_all_files_are_told_in_order(write: Write) -> None:
    root = write(
        {
            "project.yaml": "name: test\nsead: 1\n",
            "metrics/a.yaml": f"{GOOD}  bad: {{type: count}}\n  Bad: {{type: count}}\n",
            "metrics/deep/b.yml": f"{GOOD}metric: {{}}\n",
            "experiments/c.yaml": "metrics:\n  lost: {type: [}\n",
            "alerts/d.yaml": "alerts:\n  a: {metrics: [good], route: r, every: soon}\n",
        }
    )
    loaded = load(root)
    assert told(loaded) == [
        "alerts/d.yaml:2:41 E104",
        "experiments/c.yaml:2:17 E001",
        "metrics/a.yaml:3:3 E103",
        "metrics/a.yaml:4:3 E104",
        "metrics/deep/b.yml:2:3 E002",
        "metrics/deep/b.yml:3:1 E101",
        "project.yaml:2:1 E102",
    ]
    assert list(loaded.definitions.metrics) == ["good"]
    assert loaded.broken == {("alerts", "a"), ("metrics", "lost"), ("metrics", "bad"), ("metrics", "Bad")}


def test_hidden_files_and_the_target_are_skipped(write: Write) -> None:
    bad = dict.fromkeys(("metrics/.hidden.yaml", "metrics/.git/a.yaml", "out/b.yaml", "c.txt"), "nonsense: 1\n")
    root = write({**bad, "project.yaml": "name: test\ntarget: out\ndefinitions: ['.', metrics]\n"})
    loaded = load(root)
    assert (told(loaded), len(loaded.definitions)) == ([], 1)


def test_overrides_replace_settings(write: Write) -> None:
    root = write({"project.yaml": "name: test\nwarehouse: {dsn: 'chdb://a', timeout: 7}\n"})
    settings = load(root, overrides={"warehouse": {"dsn": "chdb://b"}, "timezone": "Europe/Moscow"}).definitions.project
    assert settings.warehouse
    assert (settings.warehouse.dsn, settings.warehouse.timeout) == ("chdb://b", 7)
    assert settings.timezone == "Europe/Moscow"


def test_settings_that_are_right_are_kept(write: Write) -> None:
    root = write({"project.yaml": "name: test\nseed: -1\ndefinitions: [elsewhere]\n", "elsewhere/a.yaml": "metrics:\n"})
    loaded = load(root)
    assert told(loaded) == ["project.yaml:2:7 E104"]
    assert loaded.definitions.project.definitions == ("elsewhere",)


def test_a_file_that_cannot_be_read_is_told(write: Write) -> None:
    root = write()
    (root / "metrics" / "gone.yaml").symlink_to(root / "nowhere.yaml")
    assert told(load(root)) == ["metrics/gone.yaml:1:1 E003"]


def test_the_root_is_found_from_below(write: Write) -> None:
    root = write()
    assert find_root(root / "metrics") == find_root(root) == root


def test_no_root_is_e106(tmp_path: Path) -> None:
    with pytest.raises(DefinitionsError) as caught:
        load(tmp_path)
    assert [each.code for each in caught.value.diagnostics] == ["E106"]


def test_references_stay_as_they_are_until_resolved(write: Write) -> None:
    root = write({"alerts/a.yaml": 'routes:\n  files: {outbox: {path: "${OUTBOX}/a"}}\n'})
    path = load(root).definitions.routes["files"].spec.outbox.path  # type: ignore[union-attr]
    assert path == "${OUTBOX}/a"
    assert resolve(path, {"OUTBOX": "/out"}) == "/out/a"


@pytest.mark.parametrize("environ", [{}, {"OUTBOX": "", "OTHER": "secret"}])
def test_an_unset_variable_is_named_and_no_value_is_shown(environ: dict[str, str]) -> None:
    with pytest.raises(UsageError) as caught:
        resolve("${OTHER}${OUTBOX}" if environ else "${OUTBOX}", environ)
    assert "OUTBOX" in str(caught.value)
    assert "secret" not in str(caught.value)


# Every wrong value in every field: never a traceback, never the words of the library underneath.
WRONG: tuple[Any, ...] = (
    None,
    True,
    -7,
    0.5,
    1e400,
    "",
    "?",
    "Text",
    [],
    [None],
    [[1]],
    {},
    {"?": None},
    {"a": {"b": 1}},
)
FOREIGN = (
    "pydantic",
    "Input",
    "input",
    "validation",
    "Value error",
    "dictionary",
    "valid ",
    "isoformat",
    "something else",
)


def models() -> Iterator[tuple[str, str | None, Any]]:
    for kind in KINDS:
        yield from ((kind, tag, model) for tag, model in members(kind).items())
        if not members(kind):
            yield kind, None, KINDS[kind]


def subject() -> Subject:
    places = Places("f.yaml", (1, 1, None, 1, 1))
    return Subject("the thing 'x'", Location("f.yaml"), places, places)


@pytest.mark.parametrize(
    ("kind", "tag", "model"), [*models()], ids=lambda value: value if isinstance(value, str) else ""
)
def test_any_wrong_value_is_told_in_four_parts(kind: str, tag: str | None, model: Any) -> None:
    for body in _bodies(tag, model):
        result = check(kind, subject(), body, references=False)
        for each in result if isinstance(result, list) else ():
            _assert_is_for_people(each)


def _bodies(tag: str | None, model: Any) -> Iterator[Any]:
    typed = {"type": tag} if tag else {}
    yield from (None, [], 1, "text", {**typed, "unknown": 1})
    for name, field in model.model_fields.items():
        inner = json.dumps(model.model_json_schema()["properties"].get(name, {}))
        for value in WRONG:
            yield {**typed, name: value}
            if "$ref" in inner or "object" in inner:
                yield from ({**typed, name: {part: value}} for part in _parts(field.annotation))


def _parts(annotation: Any) -> list[str]:
    return [*getattr(annotation, "model_fields", {}), "a"]


def _assert_is_for_people(each: Diagnostic) -> None:
    assert each.code in CODES
    assert all((each.message, each.why, each.fix, each.location))
    said = f"{each.message} {each.why} {each.fix}"
    assert not [word for word in FOREIGN if word in said], said


@settings(deadline=None)
@given(st.integers(1, 14_000), st.sampled_from("mhdw"))
def test_a_duration_is_shown_as_it_is_read(number: int, unit: str) -> None:
    duration = parse_duration(f"{number}{unit}")
    assert parse_duration(show_duration(duration)) == duration


@pytest.mark.parametrize("text", ["0d", "7 days", "d", "1.5h", "-1d", "", None, 7, "100001d", "9" * 5000 + "d"])
def test_what_is_no_duration_is_refused(text: Any) -> None:
    with pytest.raises(FieldError):
        parse_duration(text)


# load → dump → load

NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
TEXTS = st.text(
    st.characters(min_codepoint=32, max_codepoint=0x24F, exclude_categories=["Cc"]), min_size=1, max_size=20
)
COMMON = {
    "label": TEXTS, "description": TEXTS, "owner": TEXTS, "good": st.sampled_from(["up", "down"]),
    "format": st.sampled_from(["number", "percent", "seconds", "minutes"]), "tier": st.integers(1, 3),
}  # fmt: skip
VALUE = {"source": NAMES, "value": TEXTS}
REQUIRED = {
    "count": {"source": NAMES}, "sum": VALUE, "mean": VALUE,
    "quantile": {**VALUE, "level": st.floats(0.01, 0.99)},
    "unique": {"source": NAMES, "of": NAMES},
    "ratio": {"numerator": NAMES, "denominator": NAMES},
    "set": {"expr": TEXTS}, "derived": {"expr": TEXTS},
    "rolling": {"metric": NAMES, "window": st.integers(1, 90).map("{}d".format)},
}  # fmt: skip


@st.composite
def metric_bodies(draw: st.DrawFn) -> dict[str, Any]:
    tag = draw(st.sampled_from(sorted(REQUIRED)))
    return {"type": tag, **draw(st.fixed_dictionaries(REQUIRED[tag], optional=COMMON))}


def read(body: dict[str, Any]) -> Any:
    written = json.dumps({"metrics": {"m": body}}, ensure_ascii=False)
    return check("metrics", subject(), parse(written.encode(), "f.yaml").data["metrics"]["m"], references=False)


@settings(deadline=None)
@given(metric_bodies())
def test_a_metric_that_is_loaded_dumped_and_loaded_is_the_same(body: dict[str, Any]) -> None:
    once = read(body)
    assert not isinstance(once, list), once
    assert read(once.model_dump(exclude_unset=True)) == once
    assert read(once.model_dump()) == once


def test_the_property_covers_every_metric_type() -> None:
    assert REQUIRED.keys() <= members("metrics").keys()


def test_every_definition_of_the_demo_survives_dumping() -> None:
    for each in load(REPOSITORY, use_cache=False).definitions:
        again = check(each.kind, subject(), json.loads(json.dumps(each.spec.model_dump())), references=False)
        assert again == each.spec
