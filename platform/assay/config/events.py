"""`events` and `silences`: what is known to change the numbers, and when nobody wants to hear of it."""

from __future__ import annotations

from datetime import datetime, time
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

from assay.config.base import Described, FieldError, Flag, Hours, Match, Moment, parse_share


def parse_shares(value: Any) -> tuple[float, float]:
    """`20%..60%` as (0.2, 0.6): a change between +20 % and +60 %; FieldError otherwise."""
    parts = value.split("..") if isinstance(value, str) else value if isinstance(value, tuple) else ()
    if len(parts) != 2:
        raise FieldError("an expected change is written 20%..60%", "20%..60%")
    low, high = (parse_share(each.strip() if isinstance(each, str) else each) for each in parts)
    if not -1 < low <= high:
        raise FieldError("an expected change needs -100% < lowest <= highest", "20%..60%")
    return low, high


Change = Annotated[
    tuple[float, float],
    BeforeValidator(parse_shares),
    PlainSerializer(lambda pair: f"{pair[0] * 100:g}%..{pair[1] * 100:g}%"),
    WithJsonSchema({"type": "string", "pattern": r"^[+-]?[0-9.]+\s*%\s*\.\.\s*[+-]?[0-9.]+\s*%$"}),
]


class Span(Described):
    """A half-open span of time by the project's clock, and the labels of what it is about; everything without any."""

    match: Match = Field({}, description="Labels of the series: alert, metric, owner or a dimension; empty for all.")
    start: Moment
    end: Moment = Field(description="The first moment after it: a silence without an end is a switch that one forgets.")

    def model_post_init(self, _context: Any) -> None:
        if self.end <= self.start:
            raise FieldError("it ends before it begins: the end is excluded", "2025-07-20")

    def covers(self, local: datetime) -> bool:
        """Whether a moment of the local clock lies inside."""
        return self.start <= local < self.end


class EventSpec(Span):
    """A campaign, an outage, a holiday, a release: its days leave every baseline.

    Alerts on what it matches, and on totals that contain it, are mute meanwhile; with `expect` they speak of what lies
    outside the expected change. One that nobody knew ahead mutes nothing.
    """

    expect: Change | None = Field(None, description="`20%..60%`: the change that it brings; alerts tell of any other.")
    known_ahead: Flag = Field(True, description="Not so for an outage: it mutes nothing, and no forecast may use it.")


class SilenceSpec(Span):
    """Nobody is told of what begins inside; what is still open when it ends is told of then."""

    hours: Hours | None = Field(None, description="Only in these hours of each day.")
    why: str = Field(min_length=1, description="The reason, for those who wonder.")

    def covers(self, local: datetime) -> bool:
        return Span.covers(self, local) and (self.hours is None or _within(self.hours, local))


def _within(hours: tuple[time, time], local: datetime) -> bool:
    start, end = hours
    clock = local.time()
    return start <= clock < end if start <= end else clock >= start or clock < end
