"""An experiment as the parts of a page, rows and sentences: HTML, Markdown and the short summary show the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from assay.report import sentences, sources
from assay.report.charts import CoursePoint, Interval
from assay.report.format import Style, Tone, show_day
from assay.report.readout import Check, Effect, checks, effect, effects, joined, reading, sliced, verdict
from assay.report.views import ExperimentView


@dataclass(frozen=True, slots=True)
class Slices:
    """One primary effect by slice: what the interaction tests say, the rows, and the effect on everyone."""

    title: str
    sentences: tuple[str, ...]
    rows: tuple[Effect, ...]
    whole: Interval | None


@dataclass(frozen=True, slots=True)
class Course:
    """One primary effect from day to day; `stopped` is the day on which a declared rule stopped."""

    title: str
    style: Style
    points: tuple[CoursePoint, ...]
    end: date
    stopped: date | None
    rule: str
    trend: str


@dataclass(frozen=True, slots=True)
class Shape:
    """How a primary metric is spread over the units of every variant, the control first."""

    title: str
    style: Style
    edges: tuple[float, ...]
    shares: Mapping[str, tuple[float, ...]]


@dataclass(frozen=True, slots=True)
class Methods:
    """One primary effect by several methods, the declared one first."""

    title: str
    rows: tuple[Effect, ...]


@dataclass(frozen=True, slots=True)
class Sections:
    """Everything that is told about an experiment, in the order of a page; a part without data is empty."""

    headline: str
    sentence: str
    tone: Tone
    withheld: bool
    reasons: tuple[str, ...]
    next: str
    facts: tuple[tuple[str, str], ...]
    progress: float
    checks: tuple[Check, ...]
    effects: tuple[Effect, ...]
    courses: tuple[Course, ...]
    shapes: tuple[Shape, ...]
    slices: tuple[Slices, ...]
    methods: tuple[Methods, ...]
    beliefs: tuple[str, ...]
    powers: tuple[str, ...]
    settings: tuple[tuple[str, str], ...]
    sources: tuple[tuple[str, str], ...]
    hashes: tuple[tuple[str, str], ...]
    sql: str


def sections(experiment: ExperimentView) -> Sections:
    """The parts of a page, from the mapping of the JSON contract."""
    readout = experiment.readout
    headline, sentence, tone = verdict(experiment)
    found = effects(experiment)
    variants = {each.variant for each in found}
    return Sections(
        headline=f"{headline}: {readout['variant']}" if readout["variant"] and len(variants) > 1 else headline,
        sentence=sentence,
        tone=tone,
        withheld=experiment.verdict == "blocked",
        reasons=tuple(readout["reasons"]),
        next=sentences.next_step(experiment),
        facts=tuple(_facts(experiment)),
        progress=_progress(readout),
        checks=checks(experiment),
        effects=sliced(found, whole=True),
        courses=tuple(_course(experiment, each) for each in readout["courses"]),
        shapes=tuple(_shape(experiment, each) for each in readout["distributions"]),
        slices=tuple(_slices(experiment, found)),
        methods=tuple(_methods(experiment)),
        beliefs=sentences.beliefs(experiment),
        powers=sentences.powers(experiment),
        settings=tuple((name, _setting(value)) for name, value in readout["settings"].items()),
        sources=tuple(_sources(readout)),
        hashes=tuple(readout["hashes"].items()),
        sql=";\n\n".join(experiment.sql),
    )


def title(experiment: ExperimentView, each: Mapping[str, Any]) -> str:
    """What a result or a course is about: the metric, and the variant."""
    return joined(reading(experiment, each["metric"]).label, each["variant"])


def window(readout: Mapping[str, Any]) -> str:
    """The days that were read, both of them included: windows are half-open."""
    start, until = (date.fromisoformat(readout["window"][name]) for name in ("from", "to"))
    return f"{show_day(start)} to {show_day(until - timedelta(days=1))}"


def _facts(experiment: ExperimentView) -> Iterator[tuple[str, str]]:
    readout = experiment.readout
    progress = readout["progress"]
    yield "Owner", experiment.owner or "–"
    yield "Window", window(readout)
    yield "Progress", f"day {progress['days']} of {progress['planned_days']}"
    yield "Planned end", sentences.last_day(readout)
    yield from ((name, f"{count:,} units") for name, count in readout["units"].items())


def _progress(readout: Mapping[str, Any]) -> float:
    """The share of the planned days that has passed."""
    days, planned = readout["progress"]["days"], readout["progress"]["planned_days"]
    return float(min(1.0, days / planned)) if planned else 0.0


def _course(experiment: ExperimentView, course: Mapping[str, Any]) -> Course:
    points = tuple(_point(each) for each in course["points"])
    stops = (date.fromisoformat(each["day"]) for each in course["points"] if each["stopped"])
    style, alpha = reading(experiment, course["metric"]).format, experiment.readout["settings"]["alpha"]
    return Course(
        title(experiment, course),
        style,
        points,
        date.fromisoformat(experiment.readout["planned_end"]) - timedelta(days=1),
        next(stops, None) if course["rule"] != "none" else None,
        course["rule"],
        sentences.trend(course, style, alpha),
    )


def _point(point: Mapping[str, Any]) -> CoursePoint:
    return CoursePoint(
        date.fromisoformat(point["day"]),
        point["difference"],
        (point["low"], point["high"]),
        (point["band_low"], point["band_high"]),
        point["alone"],
        (point["alone_low"], point["alone_high"]),
    )


def _shape(experiment: ExperimentView, shape: Mapping[str, Any]) -> Shape:
    metric = reading(experiment, shape["metric"])
    return Shape(metric.label, metric.format, tuple(shape["edges"]), shape["shares"])


def _slices(experiment: ExperimentView, found: tuple[Effect, ...]) -> Iterator[Slices]:
    """A part per metric and variant, with the dimensions in their order."""
    tests, alpha = experiment.readout["interactions"], experiment.readout["settings"].get("alpha", 0.05)
    for key in dict.fromkeys((each.metric, each.variant) for each in sliced(found, whole=False)):
        rows = [each for each in found if (each.metric, each.variant) == key]
        told = (sentences.interaction(each, alpha) for each in tests if (each["metric"], each["variant"]) == key)
        whole = next((each.interval for each in sliced(rows, whole=True)), None)
        by_slice = tuple(_named(each, each.slice) for each in sliced(rows, whole=False))
        yield Slices(joined(by_slice[0].label, key[1]), tuple(told), by_slice, whole)


def _methods(experiment: ExperimentView) -> Iterator[Methods]:
    every = experiment.readout["sensitivity"]
    for key in dict.fromkeys((each["metric"], each["variant"]) for each in every):
        mine = [each for each in every if (each["metric"], each["variant"]) == key]
        rows = tuple(_by_method(experiment, each) for each in mine)
        yield Methods(title(experiment, mine[0]), rows)


def _by_method(experiment: ExperimentView, each: Mapping[str, Any]) -> Effect:
    """The same effect by another method; it is not corrected, as it does not decide."""
    found = each["effect"]
    plain = {f"adjusted_{name}": found[name] for name in ("low", "high", "relative_low", "relative_high")}
    same = {"metric": each["metric"], "variant": each["variant"], "role": "primary", "pvalue_adjusted": None}
    return _named(effect(found | plain | same, experiment, several=False), found["method"])


def _named(row: Effect, label: str) -> Effect:
    return replace(row, interval=replace(row.interval, label=label))


def _setting(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "none"
    return "none" if value is None else str(value)


def _sources(readout: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Name and source of everything that was computed."""
    settings = readout["settings"]
    used = [each["method"] for each in readout["results"]]
    used += [each["effect"]["method"] for each in readout["sensitivity"]]
    yield from ((name, sources.METHODS[name]) for name in dict.fromkeys(used) if name in sources.METHODS)
    for name, table in _CHOICES:
        if settings.get(name) in table:
            yield f"{name}: {settings[name]}", table[settings[name]]
    yield from ((name, sources.OTHERS[name]) for name in ("cuped", "winsorize", "stratify") if settings.get(name))
    gates = (gate["name"] for gate in readout["gates"] if gate["name"] in sources.GATES)
    yield from ((f"gate {name}", sources.GATES[name]) for name in gates)
    if used:
        yield from ((name, sources.OTHERS[name]) for name in ("margins", "interactions", "novelty", "bayes", "power"))


_CHOICES = (
    ("correction", sources.CORRECTIONS),
    ("relative", sources.RELATIVE),
    ("sequential", sources.SEQUENTIAL),
)
