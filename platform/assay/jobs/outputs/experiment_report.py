"""`experiment report`: an analysis as a page that opens from disk, as Markdown, and as a summary for a chat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from assay.catalog.catalog import Catalog
from assay.errors import UsageError
from assay.jobs.context import Context
from assay.jobs.experiments.analyze import analyze, metrics_of
from assay.jobs.experiments.history import record
from assay.report import experiment as pages
from assay.report.views import ExperimentView, MetricText

Format = Literal["html", "markdown", "text"]
SUFFIXES: Mapping[Format, str] = {"html": ".html", "markdown": ".md", "text": ".txt"}


@dataclass(frozen=True, slots=True)
class ExperimentReport:
    """One analysis in every format; `texts` are the documents."""

    experiment: str
    verdict: str
    texts: Mapping[Format, str]


def report(context: Context, name: str, until: date | None = None) -> ExperimentReport:
    """Analyse an experiment, store the analysis, and write it down in every format.

    Raises what `analyze` raises.
    """
    readout = analyze(context, name, until)
    record(context, readout)
    view = experiment_view(context.catalog, name, readout.as_dict(), readout.sql)
    project = context.catalog.definitions.project
    page = pages.html(view, project=project.name, timezone=project.timezone, version=version("assay-platform"))
    texts: dict[Format, str] = {"html": page, "markdown": pages.markdown(view), "text": pages.summary(view)}
    return ExperimentReport(name, view.verdict, texts)


def experiment_view(
    catalog: Catalog, name: str, readout: Mapping[str, Any], sql: tuple[str, ...] = ()
) -> ExperimentView:
    """What a page shows: the declaration of an experiment, and the mapping of its read-out."""
    spec = catalog.experiment(name).spec
    metrics = {
        each.name: MetricText(each.label, each.spec.format, each.spec.good) for each in metrics_of(catalog, spec)
    }
    label = spec.label or name
    return ExperimentView(name, label, spec.hypothesis, spec.owner, readout, metrics, spec.design.mde, sql)


def write(report: ExperimentReport, folder: Path, kinds: Sequence[Format] = tuple(SUFFIXES)) -> list[Path]:
    """Write documents into a folder, made where it is missing, and return their paths.

    Raises UsageError E601 where nothing can be written.
    """
    return [save(report.texts[kind], folder / f"{report.experiment}{SUFFIXES[kind]}") for kind in kinds]


def save(text: str, path: Path) -> Path:
    """Write one document; its folder is made where it is missing. Raises UsageError E601 where that cannot be."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError.of(
            "E601",
            f"{path} cannot be written: {error.strerror}.",
            why="A report is written as files.",
            fix="Choose another place with --out.",
        ) from error
    return path


def format_of(path: Path | None) -> Format | None:
    """The format that the end of a file's name means; None for a folder."""
    return next((each for each, suffix in SUFFIXES.items() if path and path.suffix == suffix), None)


def default_folder(context: Context) -> Path:
    return context.target / "experiments"
