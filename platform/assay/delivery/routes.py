"""The tree of routes: which of them a message reaches, and why. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

# Values of a label, one of which must be there; those that begin with `!` must not be.
Match = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Quiet:
    """Hours of the day in a time zone, the end excluded; they may pass midnight, and equal ends mean none."""

    start: time
    end: time
    zone: str

    def covers(self, moment: datetime) -> bool:
        local = moment.astimezone(ZoneInfo(self.zone)).time()
        if self.start <= self.end:
            return self.start <= local < self.end
        return local >= self.start or local < self.end

    def end_after(self, moment: datetime) -> datetime:
        """The next end of these hours; a clock change at night moves it with the wall clock."""
        local = moment.astimezone(ZoneInfo(self.zone))
        end = local.replace(hour=self.end.hour, minute=self.end.minute, second=0, microsecond=0, fold=0)
        return end if end > local else end + timedelta(days=1)

    def __str__(self) -> str:
        return f"quiet hours {self.start:%H:%M}-{self.end:%H:%M}"


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `count` messages within `per`; the rest of them comes as one digest."""

    count: int
    per: timedelta

    def __str__(self) -> str:
        return f"limit of {self.count} within {self.per}"


@dataclass(frozen=True, slots=True)
class Escalation:
    """Tell another route when an episode is neither acknowledged nor over `after` it was told."""

    after: timedelta
    to: str


@dataclass(frozen=True, slots=True)
class Route:
    """Where messages go.

    `match`: labels that let a message in. `routes`: children, asked in their order; the first that takes the message
    keeps it, unless it says `goes_on` (YAML: `continue`). What no child takes stays here, if there is a channel.
    `group_by`: labels whose equal values share one message; without any, each goes alone. `repeat`: say a key again
    after this long; None says it once. In `quiet` hours only criticals pass, and the rest comes afterwards as a digest.
    `limits` bound the messages to one recipient. `fallback` takes what the channel refuses; without it, the nearest
    route above does.
    """

    name: str
    channel: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    match: Match = field(default_factory=dict)
    routes: tuple[str, ...] = ()
    goes_on: bool = False
    group_by: tuple[str, ...] = ()
    repeat: timedelta | None = None
    quiet: Quiet | None = None
    limits: tuple[Limit, ...] = ()
    escalate: Escalation | None = None
    fallback: str = ""

    @property
    def address(self) -> str:
        """Equal for routes that lead to the same recipient in the same way."""
        return f"{self.channel}:{sorted(self.options.items())!r}"


Routes = Mapping[str, Route]


@dataclass(frozen=True, slots=True)
class Reached:
    """A route that takes a message: the names from where it entered down to this one, and why."""

    path: tuple[str, ...]
    reason: str

    @property
    def route(self) -> str:
        return self.path[-1]


@dataclass(frozen=True, slots=True)
class Silence:
    """Nothing is said about messages with these labels from `start` until `end`, which is excluded."""

    match: Match
    start: datetime
    end: datetime
    why: str

    def covers(self, labels: Mapping[str, str], moment: datetime) -> bool:
        return self.start <= moment < self.end and matches(self.match, labels)


def matches(match: Match, labels: Mapping[str, str]) -> bool:
    """Whether each label has one of the values asked for; a label that a message lacks has the value ''."""
    return all(_one_of(values, labels.get(label, "")) for label, values in match.items())


def _one_of(values: tuple[str, ...], value: str) -> bool:
    unwanted = {each[1:] for each in values if each.startswith("!")}
    wanted = {each for each in values if not each.startswith("!")}
    return value not in unwanted and (not wanted or value in wanted)


def reached(entry: str, labels: Mapping[str, str], routes: Routes) -> tuple[Reached, ...]:
    """The routes that take a message which enters at `entry`; none if labels shut it out, or no channel is there."""
    if entry not in routes or not matches(routes[entry].match, labels):
        return ()
    return tuple(_below((entry,), labels, routes))


def _below(path: tuple[str, ...], labels: Mapping[str, str], routes: Routes) -> Iterator[Reached]:
    route, taken = routes[path[-1]], False
    for name in route.routes:
        child = routes.get(name)
        if child is None or name in path or not matches(child.match, labels):
            continue
        found = [*_below((*path, name), labels, routes)]
        yield from found
        taken = taken or bool(found)
        if found and not child.goes_on:
            return
    if route.channel and not taken:
        yield Reached(path, _told(path, routes))


def _told(path: tuple[str, ...], routes: Routes) -> str:
    """`enters at feed; oncall takes severity critical`."""
    steps = [f"enters at {path[0]}", *(f"{name} takes {show(routes[name].match)}" for name in path[1:])]
    return "; ".join(steps)


def show(match: Match) -> str:
    """`severity critical, city Moscow or Perm`."""
    return ", ".join(f"{label} {' or '.join(values)}" for label, values in match.items()) or "everything"


def fallbacks(path: tuple[str, ...], routes: Routes) -> tuple[str, ...]:
    """Where to turn when the last route's channel refuses: what it names, else the nearest route above; and so on."""
    found: list[str] = []
    name = path[-1]
    while name:
        above = path[: path.index(name)] if name in path else ()
        name = routes[name].fallback or next((each for each in reversed(above) if routes[each].channel), "")
        if name in (path[-1], *found) or name not in routes:
            break
        found.append(name)
    return tuple(found)
