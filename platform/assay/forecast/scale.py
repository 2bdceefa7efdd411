"""The scale on which models work: logs where growth is by percentages, and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from assay.forecast.series import Floats, Series

Kind = Literal["log", "log1p", "linear"]


@dataclass(frozen=True, slots=True)
class Scale:
    """`log`, `log1p` where there are zeros, `linear` for gauges; on the way back only a gauge gets below zero."""

    kind: Kind

    @classmethod
    def of(cls, series: Series) -> Scale:
        if series.gauge:
            return cls("linear")
        return cls("log1p" if np.any(series.values == 0) else "log")

    def forward(self, values: Floats) -> Floats:
        """NaN stays NaN."""
        if self.kind == "linear":
            return values
        result: Floats = np.log1p(values) if self.kind == "log1p" else np.log(values)
        return result

    def back(self, values: Floats) -> Floats:
        if self.kind == "linear":
            return values
        # 700 is where exp overflows: a model that got there is wrong anyway, but infinities would spread
        result: Floats = (
            np.expm1(np.minimum(values, 700.0)) if self.kind == "log1p" else np.exp(np.minimum(values, 700.0))
        )
        return np.maximum(result, 0.0)
