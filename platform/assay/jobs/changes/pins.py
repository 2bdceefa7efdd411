"""A running experiment measures what it measured when it was applied, or says no."""

from __future__ import annotations

from collections.abc import Iterator

from assay.catalog.catalog import Catalog
from assay.catalog.manifest import Manifest
from assay.catalog.meaning import base_metric, meaning
from assay.config.definitions import Definition
from assay.config.experiment import ExperimentSpec
from assay.errors import UsageError
from assay.jobs.changes import applied
from assay.jobs.context import Context


def hold(context: Context, experiment: Definition[ExperimentSpec]) -> None:
    """Raise UsageError E603 when a metric of a running experiment no longer means what was applied.

    An experiment that was never applied, or that has ended, holds nothing.
    """
    spec = experiment.spec
    if not spec.start <= context.today < spec.end:
        return
    changed = list(_changed(context.catalog, applied.read(context), experiment.name))
    if changed:
        raise UsageError.of(
            "E603",
            f"The meaning of {', '.join(changed)} has changed since '{experiment.name}' was applied.",
            why="The experiment is running: its effect would silently be measured in another way than before.",
            fix=f"Undo the change, or accept it: platform apply --accept {experiment.name}",
            location=experiment.location,
        )


def _changed(catalog: Catalog, manifest: Manifest | None, experiment: str) -> Iterator[str]:
    """The pinned metrics that mean something else now; one that is gone is no longer asked for."""
    pins = manifest.pins.get(experiment, {}) if manifest else {}
    for name, means in pins.items():
        if name in catalog.metrics and meaning(base_metric(catalog, name)) != means:
            yield name
