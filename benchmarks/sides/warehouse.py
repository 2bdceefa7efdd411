"""Users in an embedded warehouse, as the unit table of an experiment holds them."""

from __future__ import annotations

import atexit
import tempfile
import zlib
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import combinations_with_replacement
from pathlib import Path
from typing import Any, cast

from assay.compiler.units import Plan
from assay.engine import Engine, connect, parse_dsn
from assay.jobs.context import Context
from assay.jobs.experiments.units import Units
from assay.statement import Statement
from benchmarks.sides import data


@dataclass(frozen=True, slots=True)
class _Experiment:
    name: str = "benchmark"
    location: None = None


@dataclass(frozen=True, slots=True)
class _Plan:
    """What the statements about units read of a plan: which columns there are, and whose products are needed."""

    names: Sequence[str]
    experiment: _Experiment = _Experiment()
    crossed: str = "(crossed)"
    slices: Mapping[str, str] = field(default_factory=dict)

    def columns(self) -> dict[str, str]:
        return {name: name for name in self.names}

    def pairs(self) -> list[tuple[str, str]]:
        groups = [pair for pair in data.PAIRS if pair[0] in self.names]
        return [both for pair in groups for both in combinations_with_replacement(sorted(pair), 2)]


@dataclass(frozen=True, slots=True)
class _Context:
    engine: Engine


def units(names: Sequence[str], files: Mapping[str, str], variants: bool = False) -> Units:
    """The unit table of these columns. `files`: variant → numbers; with `variants` these lead every row themselves."""
    engine = _engine()
    types = ", ".join(f"{name} Float64" for name in ("variant", *names)[not variants :])
    parts = (
        f"SELECT {'toString(variant)' if variants else repr(variant)} AS assay__variant, {', '.join(names)} "
        f"FROM file('{path}', 'RowBinary', '{types}')"
        for variant, path in files.items()
    )
    table = f"benchmark.units_{zlib.crc32(repr((names, files)).encode())}"
    rows = f"SELECT rowNumberInAllBlocks() AS assay__unit, * FROM ({' UNION ALL '.join(parts)})"
    for sql in (
        "CREATE DATABASE IF NOT EXISTS benchmark",
        f"CREATE TABLE IF NOT EXISTS {table} ENGINE = MergeTree ORDER BY tuple() AS {rows}",
    ):
        engine.run(Statement(sql, "benchmark", writes=True))
    return Units(cast("Context", _Context(engine)), cast("Plan", _Plan(names)), table, "the table is given")


@lru_cache(maxsize=1)
def _engine() -> Engine:
    """Open until this process ends, in a folder that is deleted then."""
    stack: Any = ExitStack()
    atexit.register(stack.close)
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    engine: Engine = stack.enter_context(connect(parse_dsn("chdb://warehouse", folder)))
    return engine
