"""Charts as SVG text: no script, no fonts, no requests.

Colours are CSS variables with a fallback that reads on light and on dark paper: a chart follows the theme of its
page, and still works as a file of its own. Nothing is told by colour alone.
"""

from __future__ import annotations

from assay.report.charts.bars import bars
from assay.report.charts.course import CoursePoint, course
from assay.report.charts.figures import figures
from assay.report.charts.forest import Interval, forest
from assay.report.charts.graph import graph
from assay.report.charts.lines import Event, Line, line_chart, sparkline
from assay.report.charts.rows import Bar, Row, rows
from assay.report.charts.steps import steps

__all__ = [
    "Bar",
    "CoursePoint",
    "Event",
    "Interval",
    "Line",
    "Row",
    "bars",
    "course",
    "figures",
    "forest",
    "graph",
    "line_chart",
    "rows",
    "sparkline",
    "steps",
]
