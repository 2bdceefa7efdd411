"""`experiment history`: what every analysis of an experiment found, stored with its hashes, seed and version."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from hashlib import blake2b
from importlib.metadata import version
from typing import Any

from assay.errors import WarehouseError
from assay.jobs.context import Context
from assay.jobs.experiments.readout import PATH, Found, Readout
from assay.statement import Insert, Statement

_NUMBERS = (
    "control", "treatment", "difference", "low", "high", "relative", "relative_low", "relative_high", "se", "pvalue",
    "n_control", "n_treatment",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Analysis:
    """One stored analysis; `results` are its rows on everyone, as stored."""

    analysis: str
    at: datetime
    first_day: date
    until: date
    verdict: str
    reasons: tuple[str, ...]
    seed: int
    version: str
    results: tuple[Mapping[str, Any], ...]

    def as_dict(self) -> dict[str, Any]:
        """The contract of `experiment history`."""
        return asdict(self) | {"at": self.at.isoformat(), "first_day": str(self.first_day), "until": str(self.until)}


def record(context: Context, readout: Readout) -> str:
    """Store a read-out and return its hash. The same findings are stored once, whenever they are found again."""
    found = [*readout.found, *readout.slices]
    settings = {name: value for name, value in readout.settings.items() if name != PATH}
    body = json.dumps(_rounded(readout.as_dict() | {"settings": settings}), sort_keys=True, default=str)
    analysis = blake2b(body.encode(), digest_size=8).hexdigest()
    if found and not _stored(context, readout.experiment, analysis):
        table = f"{context.database}.experiment_results"
        context.engine.run(Insert(table, _columns(context, readout, found, analysis), "store an analysis", analysis))
    return analysis


def _rounded(value: Any) -> Any:
    """Numbers to eight digits: the database adds the same rows in any order, and the last digits differ."""
    if isinstance(value, Mapping):
        return {name: _rounded(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(each) for each in value]
    return float(f"{value:.8g}") if isinstance(value, float) else value


def _columns(context: Context, readout: Readout, found: list[Found], analysis: str) -> dict[str, list[Any]]:
    same = {
        "experiment": readout.experiment,
        "analysis": analysis,
        "at": context.now,
        "first_day": date.fromisoformat(readout.start),
        "until": date.fromisoformat(readout.until),
        "verdict": readout.verdict.verdict,
        "reasons": list(readout.verdict.reasons),
        "gates": json.dumps([asdict(gate) for gate in readout.gates]),
        "seed": readout.seed,
        "version": version("assay-platform"),
    }
    rows = [_row(each, readout.hashes) for each in found]
    return {name: [value] * len(rows) for name, value in same.items()} | {
        name: [row[name] for row in rows] for name in rows[0]
    }


def _row(found: Found, hashes: Mapping[str, str]) -> dict[str, Any]:
    result, effect = found.result, found.result.judged  # with the intervals that decide
    ((dimension, value),) = (found.slice or {"": ""}).items()
    said = {"metric": result.metric, "role": result.role, "variant": result.variant, "method": effect.method}
    numbers = {name: getattr(effect, name) for name in _NUMBERS}
    told = {"meaning": hashes[result.metric], "dimension": dimension, "value": value, "reason": effect.reason or ""}
    return said | numbers | told | {"pvalue_adjusted": result.pvalue_adjusted}


def _stored(context: Context, experiment: str, analysis: str) -> bool:
    sql = f"""SELECT count() FROM {context.database}.experiment_results
WHERE experiment = {{experiment:String}} AND analysis = {{analysis:String}}"""  # noqa: S608 - a checked name
    parameters = {"experiment": experiment, "analysis": analysis}
    return bool(context.engine.run(Statement(sql, "look for this analysis", parameters)).scalar())


def history(context: Context, name: str) -> list[Analysis]:
    """Every stored analysis, oldest first. Raises UsageError E201 for an unknown name."""
    context.catalog.experiment(name)
    sql = f"""SELECT * REPLACE (toUnixTimestamp64Micro(at) AS at) FROM {context.database}.experiment_results
WHERE experiment = {{experiment:String}} AND dimension = ''
ORDER BY at, analysis, role, metric, variant"""  # noqa: S608 - a checked name
    try:
        rows = list(context.engine.run(Statement(sql, "read analyses", {"experiment": name})).dicts())
    except WarehouseError as error:
        if error.diagnostics[0].code != "E506":  # nothing was ever stored here
            raise
        return []
    names = dict.fromkeys(row["analysis"] for row in rows)
    return [_analysis([row for row in rows if row["analysis"] == name]) for name in names]


def _analysis(rows: list[dict[str, Any]]) -> Analysis:
    first, shown = rows[0], ("metric", "meaning", "role", "variant", "method", "pvalue_adjusted", "reason", *_NUMBERS)
    results = tuple({name: row[name] for name in shown} for row in rows)
    at = datetime.fromtimestamp(first["at"] / 1_000_000, UTC)
    when = first["analysis"], at, first["first_day"], first["until"]
    return Analysis(*when, first["verdict"], tuple(first["reasons"]), first["seed"], first["version"], results)
