"""What a board of Superset is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from uuid import UUID, uuid5

from assay.report.format import Style

_SPACE = UUID("6a1d1f2e-7c58-5d0f-9b8b-3a5c1f0f8f41")
_FORMATS: dict[Style, str] = {"percent": ".2%", "seconds": ",.3~s", "minutes": ",.1f", "number": ",.3~f"}


def identify(*parts: str) -> str:
    """The same name is the same object, so that a second import replaces the first (RFC 9562, section 5.5)."""
    return str(uuid5(_SPACE, "\n".join(parts)))


def d3_format(style: Style) -> str:
    """In the notation of d3-format (https://d3js.org/d3-format)."""
    return _FORMATS[style]


@dataclass(frozen=True, slots=True)
class Source:
    """The database as Superset reaches it. `uri` is a SQLAlchemy address without a password."""

    project: str
    uri: str
    schema: str

    @property
    def uuid(self) -> str:
        return identify("database", self.project)


@dataclass(frozen=True, slots=True)
class Measure:
    """A metric: `exact` and `latest` are SQL over the rows of a group, `by` the dimensions it can be split by.

    `card`: it is one of the tab's own, not only of a block.
    """

    column: str
    label: str
    description: str
    owner: str
    style: Style
    exact: str
    latest: str
    by: tuple[str, ...]
    columns: tuple[str, ...]
    card: bool = True

    @property
    def format(self) -> str:
        return d3_format(self.style)

    @property
    def value(self) -> str:
        """The name of its metric; not that of a column, which ClickHouse would replace by the alias."""
        return f"value_of_{self.column}"

    @property
    def newest(self) -> str:
        return f"latest_{self.column}"


@dataclass(frozen=True, slots=True)
class Panel:
    """A block as a chart: of `metrics` of the wide table (their columns), or of one of the table of `kind`."""

    kind: Literal["line", "heatmap", "table", "lifecycle", "cohort"]
    title: str
    metrics: tuple[str, ...]
    by: str = ""
    top: int = 10
    style: Style = "number"

    @property
    def key(self) -> str:
        """The same block is the same chart, whatever its title."""
        return " ".join(filter(None, (self.kind, *self.metrics, self.by)))


@dataclass(frozen=True, slots=True)
class BoardView:
    """A tab of a dashboard over its wide table, the tables of its weeks and cohorts where it has some, and words."""

    table: str
    title: str
    description: str
    owner: str
    measures: tuple[Measure, ...]
    dimensions: tuple[str, ...]
    source: Source
    panels: tuple[Panel, ...] = ()
    words: tuple[str, ...] = ()

    @property
    def dataset(self) -> str:
        return self.dataset_of(self.table)

    @property
    def cards(self) -> list[Measure]:
        return [each for each in self.measures if each.card]

    @property
    def weeks(self) -> str:
        """The table of lifecycles; empty without one."""
        return self._of("lifecycle", "weeks")

    @property
    def cohorts(self) -> str:
        return self._of("cohort", "cohorts")

    def dataset_of(self, table: str) -> str:
        return identify("dataset", self.source.project, table)

    def _of(self, kind: str, suffix: str) -> str:
        return f"{self.table}_{suffix}" if any(each.kind == kind for each in self.panels) else ""
