"""For which day a block is gathered, and beside which one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True, slots=True)
class Setting:
    """`day` is the last full day of the data; `compare` the distance to the day compared with; `days` on charts."""

    day: date
    compare: timedelta
    days: int

    @property
    def versus(self) -> date:
        return self.day - self.compare

    @property
    def end(self) -> date:
        """The day after."""
        return self.day + timedelta(days=1)
