"""What a method is told besides the data: the level, and how its random numbers and intervals are made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Relative = Literal["delta", "log", "fieller"]


@dataclass(frozen=True, slots=True)
class Setting:
    """`alpha`: two-sided level. `seed` and `replicates` are for methods that resample, `relative` for lifts."""

    alpha: float = 0.05
    seed: int = 0
    replicates: int = 10_000
    relative: Relative = "delta"
