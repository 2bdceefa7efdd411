"""Rules about experiments."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from assay.catalog import plugins
from assay.catalog.catalog import Catalog, Metric
from assay.catalog.rules.common import Broken, expression, reference, unknown, unknown_entity, whole_days
from assay.catalog.series import Quantile, leaves, of_events, plain
from assay.config.assignment import ColumnAssignment
from assay.config.definitions import Definition
from assay.config.experiment import ExperimentSpec
from assay.config.metric import FunnelMetric, RetentionMetric
from assay.errors import Diagnostic, Location

GATES = ("srm", "crossovers", "exposure", "pre_period", "aa", "distribution", "day_stability", "twyman", "covariates")
Experiment = Definition[ExperimentSpec]


def _all(catalog: Catalog) -> Iterator[tuple[Experiment, ExperimentSpec]]:
    return ((each, each.spec) for each in catalog.definitions.experiments.values())


def _named(experiment: Experiment) -> Iterator[tuple[str, Location]]:
    """Every metric in a role, with its place."""
    roles = experiment.spec.metrics
    for role in ("primary", "secondary"):
        for index, name in enumerate(getattr(roles, role)):
            yield name, experiment.at("metrics", role, index)
    for name in roles.guardrail:
        yield name, experiment.at_key("metrics", "guardrail", name)


def _sources(experiment: Experiment) -> dict[str, Location]:
    """The sources of assignment and exposure, each with its first place."""
    spec = experiment.spec
    places = {spec.exposure.source: experiment.at("exposure", "source")}
    assigned = spec.assignment.source
    return places | ({assigned: experiment.at("assignment", "source")} if assigned else {})


def references(catalog: Catalog, broken: Broken) -> Iterator[Diagnostic]:
    """Sources, metrics, gates and tests of an experiment exist, and the entity is one of its sources'."""
    tests = plugins.names("stats", "methods")
    for each, spec in _all(catalog):
        for name, place in _sources(each).items():
            yield from reference("source", name, catalog, broken, place)
            source = catalog.definitions.sources.get(name)
            if source is not None and spec.entity not in source.spec.entities:
                why = "An experiment compares entities, so each of its sources must know them."
                yield unknown_entity(
                    spec.entity, source, why, each.at("entity") if spec.model_fields_set & {"entity"} else place
                )
        for name, place in _named(each):
            yield from reference("metric", name, catalog, broken, place)
        for index, gate in enumerate(spec.validity):
            if gate not in GATES:
                yield unknown("gate", gate, GATES, each.at("validity", index))
        if spec.analysis.test not in tests:
            yield unknown("test", spec.analysis.test, tests, each.at("analysis", "test"))
        for index, test in enumerate(spec.analysis.sensitivity):
            if test not in tests:
                yield unknown("test", test, tests, each.at("analysis", "sensitivity", index))
        yield from _dimensions(catalog, each)


def _dimensions(catalog: Catalog, experiment: Experiment) -> Iterator[Diagnostic]:
    """Units are sliced by what the source of their exposure knows of them."""
    source = catalog.definitions.sources.get(experiment.spec.exposure.source)
    known = source.spec.dimensions if source else {}
    for field in ("by", "stratify") if source else ():
        for index, name in enumerate(getattr(experiment.spec.analysis, field)):
            if name not in known:
                yield unknown("dimension", name, known, experiment.at("analysis", field, index))


def expressions(catalog: Catalog, _broken: Broken) -> Iterator[Diagnostic]:
    """The variant's column and the condition of exposure are expressions over their sources."""
    for each, spec in _all(catalog):
        column = spec.assignment.column if isinstance(spec.assignment, ColumnAssignment) else None
        texts = (("assignment", "column", column), ("exposure", "where", spec.exposure.where))
        for part, field, text in texts:
            source = catalog.definitions.sources.get(getattr(spec, part).source)
            yield from expression(text, source.spec.known if source else (), each.at(part, field))


def dates(catalog: Catalog, _broken: Broken) -> Iterator[Diagnostic]:
    """Windows are in order, and what came before an experiment is really before it."""
    for each, spec in _all(catalog):
        yield from whole_days("cuped", spec.analysis.cuped, each.at("analysis", "cuped"))
        if spec.end <= spec.start:
            yield Diagnostic(
                "E303",
                f"The experiment ends on {spec.end}, before it has begun.",
                "Windows are half-open: the end is the day after the last one.",
                "Set 'end' at least one day after 'start'.",
                each.at("end"),
            )
        if spec.design.history and spec.design.history[1] > spec.start:
            yield Diagnostic(
                "E303",
                f"The history reaches up to {spec.design.history[1]}, into the experiment itself.",
                "An experiment is sized from days without a treatment.",
                f"End 'history' on {spec.start} or before.",
                each.at("design", "history"),
            )


def variants(catalog: Catalog, _broken: Broken) -> Iterator[Diagnostic]:
    """Assignment and exposure share a source, and no value of the column means two variants."""
    for each, spec in _all(catalog):
        if len(_sources(each)) > 1 and _sources(each).keys() <= catalog.definitions.sources.keys():
            yield Diagnostic(
                "E302",
                "Assignment and exposure come from different sources.",
                "The variant is read from the row at which a unit is exposed.",
                f"Use '{spec.assignment.source}' for both.",
                each.at("exposure", "source"),
            )
        seen: dict[str, str] = {}
        values = spec.assignment.variants if isinstance(spec.assignment, ColumnAssignment) else {}
        for variant, value in values.items():
            other = seen.setdefault(str(value), variant)
            if other != variant:
                yield Diagnostic(
                    "E301",
                    f"The variants '{other}' and '{variant}' have the same value, {value}.",
                    "A unit would be in both, and there would be nothing to compare.",
                    "Give each variant its own value.",
                    each.at("assignment", "variants", variant),
                )


def roles(catalog: Catalog, _broken: Broken) -> Iterator[Diagnostic]:
    """A metric has one role, and a guardrail's margin limits the bad direction."""
    for each, spec in _all(catalog):
        counts = Counter[str]()
        for name, place in _named(each):
            counts[name] += 1
            if counts[name] == 2:
                yield Diagnostic(
                    "E301",
                    f"'{name}' has more than one role.",
                    "It would be corrected for, and decided on, as if it were two metrics.",
                    "Name it once: as primary, secondary or guardrail.",
                    place,
                )
        for name, margin in spec.metrics.guardrail.items():
            good = catalog.metrics[name].spec.good if name in catalog.metrics else None
            if (good == "up" and margin > 0) or (good == "down" and margin < 0):
                yield _wrong_side(name, good, margin, each.at("metrics", "guardrail", name))


def _wrong_side(name: str, good: str, margin: float, place: Location) -> Diagnostic:
    return Diagnostic(
        "E301",
        f"The margin {margin:+.4g} of '{name}' limits the good direction, which is {good}.",
        "A guardrail's margin is the worst relative change that is still acceptable.",
        f"Write {-margin:+.4g}, or correct 'good' of the metric.",
        place,
    )


def readings(catalog: Catalog, _broken: Broken) -> Iterator[Diagnostic]:
    """Every metric of an experiment has a reading per unit."""
    for each, spec in _all(catalog):
        source = catalog.definitions.sources.get(spec.exposure.source)
        if source is None or spec.entity not in source.spec.entities:
            continue  # reported above; no metric can be read per unknown entity
        for name, place in _named(each):
            metric = catalog.metrics.get(name)
            reason = _no_reading(metric, catalog, spec) if metric else None
            if reason:
                yield Diagnostic(
                    "E302",
                    f"'{name}' has no reading per {spec.entity}: {reason}.",
                    "An experiment compares what each unit did in the window.",
                    "Use the metrics behind it.",
                    place,
                )


def _no_reading(metric: Metric, catalog: Catalog, spec: ExperimentSpec) -> str | None:
    if isinstance(metric.spec, RetentionMetric):
        return _no_return(metric.spec, catalog, spec)
    if isinstance(metric.spec, FunnelMetric):
        return _no_funnel(metric.spec, spec.entity)
    return _not_per_unit(metric, catalog, spec.entity)


def _no_return(metric: RetentionMetric, catalog: Catalog, spec: ExperimentSpec) -> str | None:
    """A unit returns when it is in the set of returns again, counted from its own exposure."""
    returns = catalog.metrics.get(metric.returns)
    if returns is None:
        return None  # reported where it is named
    wait, length = max(metric.day, metric.horizon.days if metric.horizon else 0), (spec.end - spec.start).days
    if wait >= length:
        return f"nobody can come back after {wait} days within {length}"
    return _not_per_unit(returns, catalog, spec.entity)


def _no_funnel(metric: FunnelMetric, entity: str) -> str | None:
    if metric.of != entity:
        return f"its steps are those of a {metric.of}"
    return "a strict order is only read by day" if metric.order == "strict" else None


def _not_per_unit(metric: Metric, catalog: Catalog, entity: str) -> str | None:
    found = list(leaves(metric.series))
    if not plain(metric.series):
        return "it compares days with one another, and a window overlaps with itself"
    if not of_events(metric.series):
        return "it is not a sum over a unit's events"
    if any(isinstance(leaf, Quantile) for leaf in found):
        return "a quantile of events is not a sum over units"
    strangers = sorted({leaf.measure.entity for leaf in found if leaf.measure.entity not in (None, entity)} - {None})
    if strangers:
        return f"it counts {strangers[0]}s"
    if any(entity not in catalog.source(name).spec.entities for name in metric.sources):
        return f"one of its sources does not know the {entity}"
    return None
