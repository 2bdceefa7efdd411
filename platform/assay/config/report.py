"""`reports` and `dashboards`: metrics for people, in blocks and in tabs."""

from __future__ import annotations

from pydantic import Field

from assay.config.base import Described, Duration, Flag, Integer, MetricName, Name, Spec, parse_duration
from assay.config.block import Block
from assay.config.cron import Cron


class ReportSpec(Described):
    """A message about one day, compared with an earlier one."""

    title: str = Field(min_length=1)
    schedule: Cron = Field("0 11 * * *", description="Cron, in the project's time zone; reports the day before.")
    compare: Duration = Field(parse_duration("7d"), description="The distance to the day compared with.")
    days: Integer = Field(14, ge=2, le=400, description="Days on the charts.")
    blocks: tuple[Block, ...] = Field(min_length=1)
    route: Name


class Tab(Spec):
    """One page of a dashboard: cards of metrics, breakdown tables, and whatever blocks follow."""

    label: str = Field(min_length=1)
    metrics: tuple[MetricName, ...] = Field(min_length=1)
    by: tuple[Name, ...] = Field((), description="One breakdown table per dimension.")
    cohorts: tuple[Name, ...] = Field((), description="Retention metrics, each as a heatmap of cohorts by day of life.")
    filters: tuple[Name, ...] = Field((), description="Dimensions by which the page can be filtered.")
    blocks: tuple[Block, ...] = ()

    @property
    def shown(self) -> tuple[str, ...]:
        """The metrics on it."""
        return (*self.metrics, *self.cohorts, *(name for block in self.blocks for name in block.shown))


class DashboardSpec(Described):
    """A board of tabs on the site."""

    tabs: dict[Name, Tab] = Field(min_length=1)
    days: Integer = Field(30, ge=2, le=400, description="Days on the sparklines.")
    tables: Flag = Field(False, description="Keep its tables dash_* for BI tools fresh after each run.")
