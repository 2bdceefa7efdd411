"""What all kinds share: the frozen base model and the words that mean the same everywhere."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, Strict, WithJsonSchema

NAME = r"^[a-z][a-z0-9_]*$"
D = TypeVar("D", bound=date)
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_LONGEST, _DIGITS = timedelta(days=100_000), 9
_YEARS = range(1970, 2149)  # of ClickHouse's Date
_DURATION = re.compile(r"^(\d+)\s*([mhdw])$")
_PERCENT = re.compile(r"^([+-]?\d+(?:\.\d+)?)\s*%$")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d)?")
_HOUR = re.compile(r"\d\d:\d\d")


class FieldError(ValueError):
    """A wrong value, told for the person who wrote it; `example` is a value that one can type instead."""

    def __init__(self, message: str, example: str) -> None:
        self.example = example
        super().__init__(message)


def parse_duration(text: Any) -> timedelta:
    """`15m`, `4h`, `7d`, `2w` as a timedelta; FieldError otherwise."""
    match = _DURATION.match(text) if isinstance(text, str) else None
    if match is None or not match[1].strip("0"):
        raise FieldError("a duration is a positive number and a unit: 15m, 4h, 7d or 2w", "7d")
    if len(match[1]) > _DIGITS or (found := int(match[1]) * _UNITS[match[2]]) > _LONGEST:
        raise FieldError(f"a duration is at most {_LONGEST.days} days", f"{_LONGEST.days}d")
    return found


def show_duration(value: timedelta) -> str:
    """The shortest text of a duration: the inverse of `parse_duration`."""
    for unit in "dhm":
        if value % _UNITS[unit] == timedelta(0):
            return f"{value // _UNITS[unit]}{unit}"
    raise ValueError(f"not a whole number of minutes: {value}")


def parse_share(value: Any) -> float:
    """`10%`, `-1%` or a plain number as a share (0.1, -0.01)."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    match = _PERCENT.match(value) if isinstance(value, str) else None
    if match is None:
        raise FieldError("a share is a number or a percentage: 0.1 or 10%", "10%")
    return float(match[1]) / 100


def parse_day(value: Any) -> date:
    """`2025-07-19` as a date; FieldError otherwise."""
    if isinstance(value, date):
        return value
    try:
        found = date.fromisoformat(value if _DAY.fullmatch(value) else "")
    except (TypeError, ValueError) as error:
        raise FieldError("a day of the calendar is written 2025-07-19", "2025-07-19") from error
    return _known(found)


def _known(day: D) -> D:
    if day.year not in _YEARS:
        raise FieldError(f"a day lies in the years {_YEARS[0]} to {_YEARS[-1]}", "2025-07-19")
    return day


def parse_date_range(value: Any) -> tuple[date, date]:
    """`2025-07-19..2025-07-26` as a half-open pair of dates; FieldError otherwise."""
    parts = value.split("..") if isinstance(value, str) else value if isinstance(value, tuple) else ()
    if len(parts) != 2:
        example = "2025-07-19..2025-07-26"
        raise FieldError(f"a range of dates is written {example}, the end excluded", example)
    start, end = (parse_day(each) for each in parts)
    if end <= start:
        raise FieldError("the range of dates is empty: the end is excluded", f"{start}..{start + timedelta(days=7)}")
    return start, end


def parse_hours(value: Any) -> tuple[time, time]:
    """`23:00-07:00` as a pair of times, which may pass midnight; FieldError otherwise."""
    parts = value.split("-") if isinstance(value, str) else ()
    try:
        start, end = (time.fromisoformat(each if _HOUR.fullmatch(each) else "") for each in parts)
    except ValueError as error:
        raise FieldError("hours are written 23:00-07:00, in quotes", '"23:00-07:00"') from error
    return start, end


def parse_value(value: Any) -> str | int:
    """A value of a column: text or a whole number; true and false are 1 and 0, as in ClickHouse."""
    if not isinstance(value, str | int):
        raise FieldError("a value of a column is text or a whole number", '"text"')
    return int(value) if isinstance(value, bool) else value


def parse_values(value: Any) -> tuple[str, ...]:
    """One value of a label, or a list of them, as texts; FieldError otherwise."""
    values = value if isinstance(value, list | tuple) else [value]
    if not values or not all(isinstance(each, str | int) for each in values):
        raise FieldError("a label is matched by a value, a list of values, or !value", "critical")
    return tuple(str(each).lower() if isinstance(each, bool) else str(each) for each in values)


def parse_moment(value: Any) -> datetime:
    """`2025-07-19T06:00`, or a day for its midnight, by the project's clock; FieldError otherwise."""
    if isinstance(value, datetime):
        return value
    try:
        found = datetime.fromisoformat(value if _MOMENT.fullmatch(value) else "")
    except (TypeError, ValueError) as error:
        raise FieldError("a moment is written 2025-07-19T06:00, or 2025-07-19", "2025-07-19T06:00") from error
    return _known(found)


def show_moment(value: datetime) -> str:
    """The shortest text of a moment: the inverse of `parse_moment`."""
    return f"{value:%Y-%m-%d}" if value.time() == time() else f"{value:%Y-%m-%dT%H:%M}"


def _form(pattern: str) -> Any:
    return WithJsonSchema({"type": "string", "pattern": pattern})


# Marks the texts of SQL among the fields of specs: they are Jinja templates.
SQL = object()
# Strict: the text "5" is not a number, and `on` is not true. A number with a fraction of zero is not whole either.
Integer = Annotated[int, Strict()]
Number = Annotated[float, Strict()]
Flag = Annotated[bool, Strict()]
Value = Annotated[str | int, BeforeValidator(parse_value)]
Name = Annotated[str, Field(pattern=NAME)]
# A metric, or a part of one that has parts: `signup_funnel.paid`.
MetricName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)?$")]
Sql = Annotated[str, Field(min_length=1), SQL]
Severity = Literal["info", "warning", "critical"]
Duration = Annotated[
    timedelta, BeforeValidator(parse_duration), PlainSerializer(show_duration), _form(r"^[0-9]+\s*[mhdw]$")
]
Share = Annotated[
    float,
    BeforeValidator(parse_share),
    WithJsonSchema({"anyOf": [{"type": "number"}, {"type": "string", "pattern": r"^[+-]?[0-9.]+\s*%$"}]}),
]
Day = Annotated[date, BeforeValidator(parse_day), PlainSerializer(str), _form(r"^\d{4}-\d\d-\d\d$")]
DateRange = Annotated[
    tuple[date, date],
    BeforeValidator(parse_date_range),
    PlainSerializer(lambda pair: f"{pair[0]}..{pair[1]}"),
    _form(r"^\d{4}-\d\d-\d\d\.\.\d{4}-\d\d-\d\d$"),
]
Hours = Annotated[
    tuple[time, time],
    BeforeValidator(parse_hours),
    PlainSerializer(lambda pair: f"{pair[0]:%H:%M}-{pair[1]:%H:%M}"),
    _form(r"^\d\d:\d\d-\d\d:\d\d$"),
]

Moment = Annotated[
    datetime, BeforeValidator(parse_moment), PlainSerializer(show_moment), _form(r"^\d{4}-\d\d-\d\d(T\d\d:\d\d)?$")
]
_TEXT = {"type": ["string", "integer", "boolean"]}
Values = Annotated[
    tuple[str, ...],
    BeforeValidator(parse_values),
    WithJsonSchema({"anyOf": [_TEXT, {"type": "array", "items": _TEXT, "minItems": 1}]}),
]
# A label: its value, a list of values, or !value.
Match = dict[str, Values]


class Spec(BaseModel):
    """A frozen piece of a definition: unknown fields are mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Described(Spec):
    """Fields that any named definition may carry."""

    label: str | None = Field(None, description="A short name for people.")
    description: str | None = Field(None, description="What it means, in a sentence.")
    owner: str | None = Field(None, description="The team or person to ask.")
    renamed_from: Name | None = Field(None, description="The name that it was applied under before.")
