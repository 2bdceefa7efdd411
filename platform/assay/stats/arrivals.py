"""How many units a test of d days collects: measured on history, and carried on honestly beyond it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, log

from assay.errors import UsageError

_LONGEST = 1000  # days: what is not reached by then is not reached


@dataclass(frozen=True, slots=True)
class Arrivals:
    """New units of each day: `daily[0]` counts who came on the first day, `daily[1]` who was first seen on the second.

    Within the measured days the units of a test are the running sum. Beyond them the sum follows d^β, Heaps' law of
    first occurrences (Heaps 1978, §7.5), with the β of the second half of the history, at most 1: returning units make
    a test collect ever fewer new ones, and growth of the product is not counted on. A constant rate has β = 1.

    >>> week = Arrivals.of([1000, 600, 450, 400, 350, 320, 300])
    >>> week.units(7), week.units(14) < 2 * week.units(7), week.days(2000)
    (3420, True, 3)
    """

    daily: tuple[float, ...]

    @classmethod
    def of(cls, arrivals: float | Sequence[float]) -> Arrivals:
        """A constant number per day, or one number for each day; `UsageError` E601 without any arrival."""
        daily = (float(arrivals),) if isinstance(arrivals, (int, float)) else tuple(map(float, arrivals))
        if not all(isfinite(new) and new >= 0 for new in daily) or sum(daily) <= 0:
            raise UsageError.of(
                "E601",
                "The arrivals hold no units.",
                why="A duration follows from how many new units come each day.",
                fix="Give a positive number per day, or a list with the new units of each day.",
            )
        return cls(daily)

    @property
    def exponent(self) -> float:
        """β: the slope of log units over log days in the second half of the history; 1 for a single day."""
        whole, half = len(self.daily), len(self.daily) // 2
        before, total = sum(self.daily[:half]), sum(self.daily)
        return min(1.0, log(total / before) / log(whole / half)) if before else 1.0

    @property
    def per_day(self) -> float:
        """New units per day on average over the history."""
        return sum(self.daily) / len(self.daily)

    def units(self, days: int) -> int:
        """Units that a test of this many days collects."""
        known = len(self.daily)
        if days <= known:
            return int(sum(self.daily[:days]))
        return int(sum(self.daily) * (days / known) ** self.exponent)

    def days(self, units: float) -> int | None:
        """The fewest days that collect this many units; None above a thousand."""
        low, high = 1, max(_LONGEST, len(self.daily))
        if self.units(high) < units:
            return None
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if self.units(middle) >= units else (middle + 1, high)
        return low

    def extrapolated(self, days: int | None) -> bool:
        """Whether an answer for this many days goes beyond the history; a constant rate is taken at its word."""
        return len(self.daily) > 1 and (days is None or days > len(self.daily))
