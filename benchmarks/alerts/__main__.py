"""The table of alerts: what is found, how soon, how often in vain, and how fast. `python -m benchmarks.alerts`."""

from __future__ import annotations

from importlib.metadata import version

from benchmarks.alerts import causes, end_to_end, messages, recall, speed
from benchmarks.measure import save


def main() -> None:
    """Measure everything and write `results/alerts.json`."""
    rows, fast = speed.measured()
    save(
        "alerts", "Alerts", rows, {name: version(name) for name in ("numpy", "scipy", "statsmodels", "pandas")},
        gate="A tick gives the scores of a backtest, bit by bit, in tests; a planted outage is found below.",
        world="60 days × 96 slots of our own generator: weekly season, wandering level, overdispersed counts with "
        "heavy tails; every drop and surge is planted. Recall is within two slots, at all hours of the day, with the "
        "threshold at which each side raises one false alarm a metric-month.",
        **fast, **end_to_end.measured(), **recall.measured(), **messages.measured(), **causes.measured(),
    )  # fmt: skip


if __name__ == "__main__":
    main()
