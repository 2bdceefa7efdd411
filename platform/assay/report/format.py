"""Numbers and dates as people read them.

A value is in the unit that its style names: a share (0..1) for `percent`, seconds for `seconds`, minutes for
`minutes`. Nothing is divided on the way to the screen, so two outputs cannot disagree about a unit.
What is missing (None, NaN, infinity) is shown as an en dash, never as a zero.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Literal, TypeGuard

Style = Literal["number", "percent", "seconds", "minutes"]
Good = Literal["up", "down"]
Tone = Literal["good", "bad", "flat"]

MISSING = "–"
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_SUFFIXES = ((1e3, "K"), (1e6, "M"), (1e9, "B"))
_UNITS: Mapping[Style, str] = {"number": "", "percent": " %", "seconds": " s", "minutes": " min"}
_FLAT = 0.0005  # a change that rounds to 0.0 % is none


def present(value: float | None) -> TypeGuard[float]:
    """Whether there is a finite number."""
    return value is not None and math.isfinite(value)


def show(value: float | None, style: Style = "number") -> str:
    """A value in its style: 16.6K, 1,234, 1.57, 22.5 %, 17.5 min; missing is an en dash."""
    if not present(value):
        return MISSING
    if style == "percent":
        return _percent(value)
    return _minus(_plain(value)) + _UNITS[style]


def show_ticks(values: Sequence[float], style: Style = "number") -> list[str]:
    """Evenly spaced values as labels of an axis, with as many digits as it takes to tell them apart."""
    shown = [show(value, style) for value in values]
    if len(set(shown)) == len(shown):
        return shown
    factor = 100 if style == "percent" else 1
    digits = max(0, math.ceil(-math.log10(abs(values[1] - values[0]) * factor)))
    return [_minus(f"{value * factor:,.{digits}f}") + _UNITS[style] for value in values]


def change(before: float | None, after: float | None) -> float | None:
    """The relative change (after − before) ÷ |before|; None if either is missing, `before` is zero or the sign turns.

    A mean delay that goes from −1 to 6 minutes has changed, but by no meaningful percentage.
    """
    if not present(before) or not present(after) or before == 0 or before * after < 0:
        return None
    return (after - before) / abs(before)


def show_change(before: float | None, after: float | None) -> str:
    """The relative change as a signed percentage: +5.6 %, −2.0 %, 0.0 %."""
    return show_signed(change(before, after))


def show_signed(share: float | None) -> str:
    """A relative change (0.056) as a signed percentage (+5.6 %)."""
    if not present(share):
        return MISSING
    if abs(share) < _FLAT:
        return "0.0 %"
    digits = 1 if abs(share) < 10 else 0
    return _minus(f"{100 * share:+,.{digits}f} %")


def show_difference(value: float | None, style: Style = "number") -> str:
    """An absolute difference with its sign; shares differ by percentage points: +1.64 pp."""
    if not present(value):
        return MISSING
    if style == "percent":
        return _minus(f"{100 * value:+.2f} pp")
    shown = show(value, style)
    return f"+{shown}" if value > 0 else shown


def show_p(pvalue: float | None) -> str:
    """A p-value with three decimals; below a thousandth only the bound."""
    if not present(pvalue):
        return MISSING
    return "< 0.001" if pvalue < 0.001 else f"{pvalue:.3f}"


def tone(share: float | None, good: Good | None) -> Tone:
    """Whether a relative change is good or bad news; flat without a direction of good or a visible change."""
    if not present(share) or good is None or abs(share) < _FLAT:
        return "flat"
    return "good" if (share > 0) == (good == "up") else "bad"


def arrow(share: float | None) -> str:
    """▲, ▼, → for no visible change, or nothing for an unknown one."""
    if not present(share):
        return ""
    if abs(share) < _FLAT:
        return "→"
    return "▲" if share > 0 else "▼"


def show_date(moment: date) -> str:
    """2 Oct, and 2 Oct 14:15 for a datetime; English whatever the locale."""
    day = f"{moment.day} {_MONTHS[moment.month - 1]}"
    return f"{day} {moment:%H:%M}" if isinstance(moment, datetime) else day


def show_day(day: date) -> str:
    """2 Oct 2025."""
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def show_time(moment: datetime | str) -> str:
    """14 Oct 2025 10:15, from a datetime or its ISO 8601 text, in its own zone."""
    time = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return f"{show_day(time)} {time:%H:%M}"


def show_slice(by: Mapping[str, Any] | str | None) -> str:
    """The slice `{"city": "Moscow"}` as `city = Moscow`, several values with commas; the population as `everyone`."""
    if isinstance(by, str):
        return by or "everyone"
    return ", ".join(f"{name} = {_values(value)}" for name, value in by.items()) if by else "everyone"


def _values(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _percent(value: float) -> str:
    scaled = 100 * value
    if scaled == 0 or abs(scaled) >= 0.1:
        return _minus(f"{scaled:,.1f} %")
    return _minus(f"{scaled:.2g} %")


def _plain(value: float) -> str:
    size = abs(value)
    if size >= 9999.5:
        return _scaled(value)
    if float(value).is_integer() or size >= 99.95:
        return f"{value:,.0f}"
    if size >= 9.995:
        return f"{value:.1f}"
    return f"{value:.2f}" if size >= 0.1 else f"{value:.2g}"


def _scaled(value: float) -> str:
    # 999,960 must read 1.0M and not 1000.0K: a unit ends where its rounding would reach the next one.
    factor, suffix = next((each for each in _SUFFIXES if abs(value) < 999.95 * each[0]), _SUFFIXES[-1])
    return f"{value / factor:,.1f}{suffix}"


def _minus(text: str) -> str:
    return text.replace("-", "−", 1) if text.startswith("-") else text
