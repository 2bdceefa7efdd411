"""An alert in its project: what its other modules ask again and again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any

from assay import detect
from assay.catalog.catalog import Metric
from assay.config.alert import AlertSpec
from assay.config.definitions import Definition
from assay.detect import PREPARES, History, Prepared, Scores
from assay.jobs.alerts.timeline import Timeline
from assay.jobs.context import Context

CALIBRATION = 28  # days of scores


@dataclass(frozen=True, slots=True)
class Rule:
    """An alert in its project: its slots, its metrics, and its detector with all parameters."""

    context: Context
    alert: Definition[AlertSpec]

    @property
    def spec(self) -> AlertSpec:
        return self.alert.spec

    @property
    def timeline(self) -> Timeline:
        return Timeline(self.spec.every, self.context.catalog.zone)

    @property
    def metrics(self) -> list[Metric]:
        return [self.context.catalog.metric(name) for name in self.spec.metrics]

    @property
    def stride(self) -> int:
        """The slots of the span that one judgement covers."""
        return (self.spec.window or self.spec.every) // self.spec.every

    def newest(self, at: datetime) -> int:
        """The slot to judge at a moment: the last one that is over, and has been for the alert's `delay`."""
        return self.timeline.newest(at - self.spec.delay if self.spec.delay else at)

    @property
    def detector(self) -> str:
        return self.spec.detector.type

    @property
    def parameters(self) -> dict[str, Any]:
        """Every parameter by name, in YAML or by default."""
        spec, known = self.spec.detector, detect.parameters(self.detector)
        given = {"history": spec.history.days} if spec.history and "history" in known else {}
        return {name: each.default for name, each in known.items()} | given | spec.parameters

    @property
    def days(self) -> int:
        """How many days before today are read; a few more than its history, for those that smooth."""
        own = self.parameters.get("history", self.spec.detector.history and self.spec.detector.history.days)
        return (own or 56) + (CALIBRATION if self.calibrates else 3)

    @property
    def prepares(self) -> bool:
        """Whether a day can be prepared, so that a tick reads no more than a few days."""
        return self.detector in PREPARES and self.spec.agree is None

    @property
    def forecasts(self) -> bool:
        """Whether stored forecasts say what to expect."""
        return "forecast" in (self.detector, self.spec.agree)

    @property
    def calibrates(self) -> bool:
        asked = self.spec.detector.calibrate
        return self.detector in PREPARES if asked is None else asked

    @property
    def setting(self) -> detect.Setting:
        """Of a detector that prepares."""
        names = ("history", "min_history", "half_life")
        return detect.setting_of(**{name: self.parameters[name] for name in names})

    @property
    def hash(self) -> str:
        """Changes with the detector or a parameter."""
        return blake2b(repr((self.detector, self.parameters, self.spec.agree)).encode(), digest_size=8).hexdigest()

    def score(self, data: History, newest: int) -> Scores:
        """Scores by the detector, and by the second one that must agree, if there is one."""
        first = detect.score(self.detector, data, newest, **self.parameters)
        second = self.spec.agree
        return detect.agree(first, detect.score(second, data, newest)) if second else first

    def tick(self, prepared: Prepared, recent: History, newest: int) -> Scores:
        """The same from a prepared day."""
        chosen = {name: self.parameters[name] for name in ("threshold", "span")}
        return detect.tick(prepared, recent, newest, setting=self.setting, **chosen)
