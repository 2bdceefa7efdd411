"""The report of an experiment: a page that opens from disk, a Markdown document, and a summary for a chat."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from markupsafe import Markup

from assay.report.readout import Effect
from assay.report.sections import Sections, sections, window
from assay.report.templating import asset, environment
from assay.report.views import ExperimentView

WITHHELD = "Withheld: do not act on these."
_SIGNS = {"ship": "✓", "do_not_ship": "✕", "keep_running": "→", "blocked": "!"}
_ROOM = {"title": 120, "effects": 250, "checks": 300, "next": 220}  # letters of the summary: 900 with its units
_MARKUP = re.compile(r"([\\`*_\[\]<>|#~])")


def html(experiment: ExperimentView, *, project: str, timezone: str, version: str = "") -> str:
    """One page with its styles and its drawings inside; it needs no network and no script.

    The same experiment gives the same text.
    """
    return (
        environment()
        .get_template("experiment_report.html")
        .render(
            experiment=experiment,
            told=sections(experiment),
            project=project,
            timezone=timezone,
            version=version,
            css=Markup(asset("style.css")),  # noqa: S704 (our own file)
            href=_nowhere,
        )
    )


def _nowhere(_kind: str, _name: str) -> None:
    """A page of its own links to no other."""


def markdown(experiment: ExperimentView) -> str:
    """Verdict, checks, results, slices and settings, for a wiki or a pull request."""
    told = sections(experiment)
    notice = [f"> **{WITHHELD}**"] if told.withheld else []
    parts = [
        *_opening(experiment, told),
        "## Can the numbers be trusted?",
        _table(
            _CHECK_COLUMNS, [(each.sign, each.question, each.name, each.pvalue, each.detail) for each in told.checks]
        ),
        "## Effects",
        *notice,
        _effects(told.effects),
        *_slices(told, notice),
        "## How the numbers were made",
        _table(("Setting", "Value"), [*told.settings, *((f"hash of {name}", value) for name, value in told.hashes)]),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def summary(experiment: ExperimentView) -> str:
    """Up to five lines of plain text, about 900 letters, for a chat; whoever sends it escapes it for the channel."""
    told = sections(experiment)
    units = ", ".join(f"{name} {count:,}" for name, count in experiment.readout["units"].items())
    lines = [
        f"{_SIGNS.get(experiment.verdict, '?')} {_clip(experiment.label, _ROOM['title'])}: {told.headline}",
        " · ".join(part for part in (window(experiment.readout), units) if part),
        _primary(told),
        _clip(_checked(told), _ROOM["checks"]),
        _clip(f"Next: {told.next}", _ROOM["next"]),
    ]
    return "\n".join(line for line in lines if line) + "\n"


def _opening(experiment: ExperimentView, told: Sections) -> Iterator[str]:
    yield f"# {_escape(experiment.label)}"
    yield f"> {_escape(experiment.hypothesis)}"
    yield f"**{_escape(told.headline)}.** {_escape(told.sentence)}"
    yield "\n".join(f"- {_escape(reason)}" for reason in told.reasons)
    yield f"**Next:** {_escape(told.next)}"
    yield _table(("Fact", "Value"), told.facts)


def _effects(rows: Sequence[Effect], slices: bool = False) -> str:
    names = (
        "Metric",
        "Slice" if slices else "Role",
        "Variant",
        "Control → variant",
        "Change",
        "Interval",
        "p adjusted",
    )
    return _table(
        (*names, "Note"),
        [
            (each.label, each.slice if slices else each.role, each.variant, each.values, each.relative, each.bounds,
             each.adjusted, each.note)
            for each in rows
        ],
    )  # fmt: skip


def _slices(told: Sections, notice: Sequence[str]) -> Iterator[str]:
    if told.slices:
        yield "## By slice"
        yield from notice
    for part in told.slices:
        yield f"### {_escape(part.title)}"
        yield "\n".join(f"- {_escape(sentence)}" for sentence in part.sentences)
        yield _effects(part.rows, slices=True)


_CHECK_COLUMNS = ("", "Check", "Gate", "p", "Detail")


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *([_escape(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) if rows else ""


def _escape(text: str) -> str:
    """A text that Markdown shows as it is, on one line."""
    return _MARKUP.sub(r"\\\1", " ".join(text.split()))


def _primary(told: Sections) -> str:
    found = [each for each in told.effects if each.role == "primary"]
    names = ", ".join(f"{each.label}, {each.variant}" for each in found)
    if told.withheld:
        return _clip(f"{names}: withheld, do not act on the effects.", _ROOM["effects"])
    return _clip("; ".join(map(_sentence, found)), _ROOM["effects"])


def _sentence(row: Effect) -> str:
    return f"{row.label}, {row.variant}: {row.relative} ({row.bounds}), p {row.adjusted}"


def _checked(told: Sections) -> str:
    """How many checks passed, and which did not: failed ones with their sentence."""
    failed = [f"{each.name} ({each.detail})" for each in told.checks if each.status == "fail"]
    warned = [each.name for each in told.checks if each.status == "warn"]
    passed = sum(each.status == "pass" for each in told.checks)
    parts = (("failed", failed), ("warned", warned))
    said = "".join(f"; {word}: {', '.join(names)}" for word, names in parts if names)
    return f"Checks: {passed} of {len(told.checks)} passed{said}." if told.checks else ""


def _clip(text: str, length: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= length else f"{line[: length - 1].rstrip()}…"
