"""The two forms of an assignment: which is meant, what traffic says, and that editors agree."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import TypeAdapter, ValidationError

from assay.config.assignment import Assignment, ColumnAssignment, HashAssignment, parse_traffic, show_traffic

FORM: TypeAdapter[Any] = TypeAdapter(Assignment)
HALVES = {"control": 50, "treatment": "50%"}
VALUES = {"control": 0, "treatment": "x"}
RIGHT = [
    ({"source": "feed", "column": "arm", "variants": VALUES}, ColumnAssignment),
    ({"source": "feed", "column": "a", "variants": VALUES, "weights": {"control": 1, "treatment": 3}},
     ColumnAssignment),
    ({"variants": HALVES}, HashAssignment),
    ({"salt": "New_feed.2-1", "variants": HALVES}, HashAssignment),
    ({"source": "feed", "layer": "feed", "traffic": "20%..40%", "variants": HALVES}, HashAssignment),
    ({"traffic": 0.25, "variants": HALVES}, HashAssignment),
]  # fmt: skip
WRONG = [
    {"source": "feed", "variants": VALUES},
    {"column": "arm", "variants": VALUES},
    {"source": "feed", "column": "arm", "salt": "x", "variants": VALUES},
    {"salt": "x", "weights": {"control": 1, "treatment": 2}, "variants": HALVES},
    {"salt": "a:b", "variants": HALVES},
    {"variants": {"control": 50}},
    {"variants": HALVES, "traffic": 20},
    {"variants": HALVES, "traffic": "0.2 of all"},
]


@pytest.mark.parametrize(("body", "form"), RIGHT)
def test_the_fields_tell_the_form(body: dict[str, Any], form: type[Any]) -> None:
    assert type(FORM.validate_python(body)) is form
    assert Draft202012Validator(FORM.json_schema()).is_valid(body)


@pytest.mark.parametrize("body", WRONG)
def test_wrong_forms_are_refused_here_and_by_editors(body: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        FORM.validate_python(body)
    assert not Draft202012Validator(FORM.json_schema()).is_valid(body)


@pytest.mark.parametrize("variants", [{"a": 0, "b": 3}, {"a": -1, "b": 1}, {"a": 1, "b": 1e-7}])
def test_weights_are_positive(variants: dict[str, float]) -> None:
    with pytest.raises(ValidationError, match="weights must be positive"):
        FORM.validate_python({"variants": variants})


@pytest.mark.parametrize(
    ("text", "found", "shown"),
    [
        ("20%", (0.0, 0.2), "20%"),
        ("20%..40%", (0.2, 0.4), "20%..40%"),
        ("20 .. 40 %", (0.2, 0.4), "20%..40%"),
        ("0%..12.3456%", (0.0, 0.123456), "12.3456%"),
        ("29%..100%", (0.29, 1.0), "29%..100%"),
        (0.3, (0.0, 0.3), "30%"),
        (1, (0.0, 1.0), "100%"),
    ],
)
def test_traffic(text: Any, found: tuple[float, float], shown: str) -> None:
    assert parse_traffic(text) == found
    assert show_traffic(found) == shown
    assert parse_traffic(shown) == found


@pytest.mark.parametrize("text", ["40%..20%", "0%", "120%", "-10%", "20%..", "", None, True, [0, 0.2], "20%..20%"])
def test_what_is_no_traffic(text: Any) -> None:
    with pytest.raises(ValueError, match=r"20%\.\.40%"):
        parse_traffic(text)
