"""From a resolved project to its manifest: hashes of what each definition means, says and reads."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from datetime import date
from hashlib import blake2b
from typing import Any

from assay.catalog import algebra
from assay.catalog.catalog import Catalog, Metric
from assay.catalog.manifest import Entry, Key, Manifest
from assay.catalog.model import Model
from assay.catalog.series import Measure, Node
from assay.config.base import Spec
from assay.config.definitions import Definition, Definitions
from assay.config.experiment import ExperimentSpec, Roles
from assay.config.root import PROJECT
from assay.errors import Location

# Fields of definitions that change no number, wherever they stand.
TEXT = frozenset(
    ("label", "description", "owner", "title", "hypothesis", "good", "format", "tier", "renamed_from", "limits")
)
# Fields that name other definitions: the same word names the same kind everywhere.
REFERENCES: dict[str, str] = {
    "source": "source",
    "metric": "metric",
    "metrics": "metric",
    "numerator": "metric",
    "denominator": "metric",
    "cohort": "metric",
    "returns": "metric",
    "primary": "metric",
    "secondary": "metric",
    "guardrail": "metric",
    "controls": "metric",
    "model": "model",
    "event": "event",
    "route": "route",
}
# Mappings whose order means something: the first variant is the control.
_ORDERED = frozenset(("variants", "steps", "tabs"))
# How the query of a model is written; what counts is what it is read as.
_QUERY = frozenset(("sql", "file"))
_NAMES = re.compile(r"[a-z][a-z0-9_]*")
_ZONE: Key = ("project", "timezone")


def manifest(catalog: Catalog, today: date) -> Manifest:
    """What a project means now; what is wrong in it counts as not defined.

    `today` decides which experiments have ended, and pin nothing any more.
    """
    lowered = _lowered(catalog)
    made = {"metrics": lowered.keys(), "models": catalog.models.keys()}
    right = [each for each in catalog.definitions if each.name in made.get(each.kind, (each.name,))]
    known = {_ZONE, *((each.kind.removesuffix("s"), each.name) for each in right)}
    found = [_entry(catalog, each, known, lowered[each.name] if each.kind == "metrics" else ()) for each in right]
    entries = {each.key: each for each in (_zone(catalog.definitions), *found)}
    return Manifest(entries, dict(_pins(entries, today)))


def meaning(series: Iterable[Metric]) -> str:
    """The meaning of a metric and its parts: measures by content, and what is done with them."""
    return _hash("\n".join(f"{each.part} {_words(each.series)}" for each in series))


def base_metric(catalog: Catalog, name: str) -> list[Metric]:
    """A metric with its parts, given its name or that of a part."""
    metric = catalog.metric(name.partition(".")[0])
    return [metric, *metric.parts.values()]


def _lowered(catalog: Catalog) -> dict[str, list[Metric]]:
    """Definition: the metric and its parts."""
    found: dict[str, list[Metric]] = {}
    for metric in catalog.metrics.values():
        found.setdefault(metric.definition.name, []).append(metric)
    return found


def _entry(catalog: Catalog, definition: Definition[Any], known: set[Key], metrics: Sequence[Metric]) -> Entry:
    kind, spec, place = definition.kind.removesuffix("s"), definition.spec, definition.location
    model = catalog.models.get(definition.name) if kind == "model" else None
    reads = tuple(dict.fromkeys(key for key in _reads(kind, spec, model) if key in known))
    own, means = _own(spec, reads, model), None
    if kind == "metric":
        means = meaning(metrics)
    elif model is not None:
        means = model.fingerprint
    return Entry(
        kind,
        definition.name,
        place.path,
        place.line,
        means or own,
        own,
        _hash(_dump(_plain(spec))),
        reads,
        frozenset(measure.id for metric in metrics for measure in metric.measures),
        (str(spec.start), str(spec.end)) if isinstance(spec, ExperimentSpec) else None,
        getattr(spec, "renamed_from", None),
    )


def _reads(kind: str, spec: Spec, model: Model | None) -> Iterator[Key]:
    yield from _references(spec)
    if model is not None:
        yield from (("source", name) for name in model.sources)
        yield from (("model", name) for name in model.models)
    if kind == "source":
        yield _ZONE


def _zone(definitions: Definitions) -> Entry:
    """The project's zone, which every day depends on."""
    means, place = _hash(definitions.project.timezone), Location(PROJECT)
    return Entry(*_ZONE, place.path, place.line, means, means, "")


def _pins(entries: Mapping[Key, Entry], today: date) -> Iterator[tuple[str, dict[str, str]]]:
    for (kind, name), entry in entries.items():
        if kind == "experiment" and entry.status(today) != "ended":
            metrics = [key for key in entry.reads if key[0] == "metric"]
            yield name, {key[1]: entries[key].meaning for key in metrics}


def _words(node: Node) -> str:
    """A series as text; measures are told by their content."""
    told = (_word(getattr(node, each.name)) for each in fields(node))
    return f"{type(node).__name__}({','.join(told)})"


def _word(value: Any) -> str:
    if isinstance(value, Measure):
        return value.id
    return _words(value) if hasattr(value, "__dataclass_fields__") else str(value)


def _own(spec: Spec, reads: tuple[Key, ...], model: Model | None) -> str:
    """The hash of a body without its texts, and with `@0` in the place of the first definition that it names."""
    said = _dump(_plain(spec, TEXT | _QUERY)) + model.query.normal if model else _dump(_plain(spec, TEXT))
    places = {name: f"@{at}" for at, (_, name) in enumerate(reads)}
    return _hash(_NAMES.sub(lambda found: places.get(found[0], found[0]), said))


def _plain(value: Any, without: frozenset[str] = frozenset()) -> Any:
    """A body as plain data, without defaults: a field that the language gains later changes nothing."""
    if isinstance(value, Spec):
        return {name: _field(name, each, without) for name, each in _said(value) if name not in without}
    if isinstance(value, dict):
        return {key: _plain(each, without) for key, each in value.items()}
    return [_plain(each, without) for each in value] if isinstance(value, list | tuple) else value


def _field(name: str, value: Any, without: frozenset[str]) -> Any:
    plain = _plain(value, without)
    return list(plain.items()) if name in _ORDERED else plain


def _said(spec: Spec) -> Iterator[tuple[str, Any]]:
    """The fields of a spec that differ from their defaults."""
    known = type(spec).model_fields
    return ((name, each) for name, each in spec if name not in known or known[name].default != each)


def _references(value: Any) -> Iterator[Key]:
    """What a body names, in its order; a part of a metric counts as the metric."""
    if isinstance(value, Spec):
        for name, each in _said(value):
            yield from _named(name, each)
    elif isinstance(value, tuple | dict):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _references(each)


def _named(field: str, value: Any) -> Iterator[Key]:
    if field == "expr":
        yield from (("metric", name.partition(".")[0]) for name in algebra.names(value))
    elif field in REFERENCES and not isinstance(value, Roles):
        names = [value] if isinstance(value, str) else value or ()
        yield from ((REFERENCES[field], name.partition(".")[0]) for name in names if isinstance(name, str))
    else:
        yield from _references(value)


def _dump(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)


def _hash(text: str) -> str:
    return blake2b(text.encode(), digest_size=8).hexdigest()
