"""Rules about forecasts and impacts."""

from __future__ import annotations

from ast import literal_eval
from collections.abc import Iterator, Sequence
from typing import Any

from assay.catalog import plugins
from assay.catalog.catalog import Catalog
from assay.catalog.rules.common import DAY, Broken, dimension, metrics_of, reference, unknown, whole_days
from assay.config.definitions import Definition
from assay.config.forecast import ForecastModel, ForecastSpec
from assay.errors import Diagnostic, did_you_mean

_ROOM = ("forecast", "models")
_FORMS: dict[str, tuple[str, type | tuple[type, ...]]] = {
    "bool": ("true or false", bool),
    "int": ("a whole number", int),
    "float": ("a number", (int, float)),
    "str": ("a text", str),
    "tuple[str, ...]": ("a list of names", list),
}
_MANY = 24  # candidates beyond which the best past is luck, and the wait long


def references(catalog: Catalog, broken: Broken) -> Iterator[Diagnostic]:
    """Metrics, dimensions and events that forecasts and impacts name exist."""
    definitions = catalog.definitions
    for each in definitions.forecasts.values():
        for index, name in enumerate(each.spec.metrics):
            yield from reference("metric", name, catalog, broken, each.at("metrics", index))
    for study in definitions.impacts.values():
        yield from reference("metric", study.spec.metric, catalog, broken, study.at("metric"))
        for index, name in enumerate(study.spec.controls):
            yield from reference("metric", name, catalog, broken, study.at("controls", index))
        if study.spec.event is not None:
            yield from reference("event", study.spec.event, catalog, broken, study.at("event"))
        for name in study.spec.match:
            found = metrics_of([study.spec.metric, *study.spec.controls], catalog)
            yield from dimension(name, found, catalog, study.at_key("match", name))


def models(catalog: Catalog, _broken: Broken) -> Iterator[Diagnostic]:
    """The candidates exist, with parameters of theirs, under names of their own."""
    known = plugins.names(*_ROOM)
    for each in catalog.definitions.forecasts.values():
        for index, model in enumerate(each.spec.models):
            if model.type not in known:
                yield unknown("model", model.type, known, each.at("models", index, "type"))
            else:
                yield from _parameters(each, index, model)
        yield from _names(each)


def _parameters(forecast: Definition[ForecastSpec], index: int, model: ForecastModel) -> Iterator[Diagnostic]:
    accepted = plugins.parameters(*_ROOM, model.type)
    for name, value in model.parameters.items():
        path = ("models", index, name)
        if name not in accepted:
            yield Diagnostic(
                "E102",
                f"The model '{model.type}' has no parameter '{name}'.{did_you_mean(name, accepted)}",
                "Parameters are checked against the model's signature.",
                f"Use some of: {', '.join(accepted)}." if accepted else "Delete it: the model has none.",
                forecast.at_key(*path),
            )
        elif wanted := _wanted(value, accepted[name]):
            default = plugins.defaults(*_ROOM, model.type)[name]
            yield _mistake(
                forecast, path, f"The parameter '{name}' of '{model.type}' is {wanted}, not {_shown(value)}.",
                "The model calculates with it.", f"Write {name}: {_shown(default)}, its default, or delete it.", "E104",
            )  # fmt: skip
        elif name == "members":
            yield from _members(forecast, path, value)


def _wanted(value: object, annotation: str) -> str:
    """What a parameter must be; empty when it is."""
    if annotation.startswith("Literal"):
        choices = literal_eval(annotation.removeprefix("Literal"))
        return "" if value in choices else f"one of {', '.join(choices)}"
    told, form = _FORMS[annotation]
    fits = isinstance(value, form) and isinstance(value, bool) == (form is bool)
    return "" if fits else told


def _shown(value: object) -> str:
    """As YAML writes it."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(str, value))}]"
    return str(value).lower() if isinstance(value, bool) else f"{value}"


def _members(
    forecast: Definition[ForecastSpec], path: tuple[str | int, ...], names: list[object]
) -> Iterator[Diagnostic]:
    """The members of an ensemble are other models."""
    known = plugins.names(*_ROOM) - {"ensemble"}
    for place, name in enumerate(names):
        if name not in known:
            yield unknown("model", str(name), known, forecast.at(*path, place))


def _names(forecast: Definition[ForecastSpec]) -> Iterator[Diagnostic]:
    seen = list[ForecastModel]()
    for index, model in enumerate(forecast.spec.models):
        if any(model == other or (model.label is not None and model.label == other.label) for other in seen):
            yield _mistake(
                forecast, ("models", index), "This candidate stands in the list twice.",
                "Results are told by name; two of one name would be one row.", "Delete one, or give each a label.",
            )  # fmt: skip
        seen.append(model)
    if len(seen) > _MANY:
        yield _mistake(
            forecast, ("models",), f"{len(seen)} candidates are too many.",
            "The best of many on a few past windows is mostly lucky.", f"Keep at most {_MANY}; six are plenty.",
        )  # fmt: skip


def days(catalog: Catalog, _broken: Broken) -> Iterator[Diagnostic]:
    """Durations are whole days, and leave a model something to learn from."""
    for each in catalog.definitions.forecasts.values():
        spec, test = each.spec, each.spec.backtest
        yield from whole_days("horizon", spec.horizon, each.at("horizon"))
        yield from whole_days("history", spec.history, each.at("history"))
        yield from whole_days("step", test.step, each.at("backtest", "step"))
        yield from whole_days("min_train", test.min_train, each.at("backtest", "min_train"))
        least = (test.min_train or max(28 * DAY, 2 * spec.horizon)) + spec.horizon + (test.step or spec.horizon)
        if spec.history is not None and spec.history < least:
            yield _mistake(
                each, ("history",), f"{spec.history // DAY} days have no room for two windows of a backtest.",
                "Models are compared on days that they have not seen, and before those they learn.",
                f"Write history: {least // DAY}d or more, or leave it out.",
            )  # fmt: skip
        for index, season in enumerate(spec.seasons or ()):
            if season < 2:
                yield _mistake(
                    each, ("seasons", index), "A cycle has at least two days.", "A cycle of one day is no cycle.",
                    "Write seasons: [] for none, or seasons: [7] for a week.",
                )  # fmt: skip
    for study in catalog.definitions.impacts.values():
        yield from whole_days("before", study.spec.before, study.at("before"))
        event = catalog.definitions.events.get(study.spec.event or "")
        if event and study.spec.end and study.spec.end <= event.spec.start.date():
            yield _mistake(
                study, ("end",), f"The days that count end before '{event.name}' begins.",
                "The end is excluded, and an effect needs a day of the event at least.",
                f"Write a day after {event.spec.start:%Y-%m-%d}, or delete the line: the event's own end is used then.",
                "E303",
            )  # fmt: skip


def controls(catalog: Catalog, _broken: Broken) -> Iterator[Diagnostic]:
    """Controls are others than what is treated, and slices of something."""
    for each in catalog.definitions.impacts.values():
        spec = each.spec
        if spec.metric in spec.controls:
            yield _mistake(
                each, ("controls", spec.controls.index(spec.metric)), f"'{spec.metric}' cannot be its own control.",
                "A control that contains the treatment shows the effect itself, and the effect is then called zero.",
                "Name a metric that the event cannot have touched.",
            )  # fmt: skip
        if spec.control_slices and not spec.match:
            yield _mistake(
                each, ("control_slices",), "There are no other values of a dimension to compare with.",
                "'control_slices' are values beside those in 'match', and there is no 'match'.",
                "Add, for example, match: {city: [Moscow]}, or delete the line.",
            )  # fmt: skip


def _mistake(
    asking: Definition[Any], path: Sequence[str | int], message: str, why: str, fix: str, code: str = "E301"
) -> Diagnostic:
    return Diagnostic(code, message, why, fix, asking.at(*path))
