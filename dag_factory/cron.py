"""Which interval has a cron text."""

from __future__ import annotations

from datetime import timedelta


def every(interval: timedelta) -> str | None:
    """`*/15 * * * *` for an interval that begins anew at each hour or day; None when cron cannot say it."""
    minutes, rest = divmod(int(interval.total_seconds()), 60)
    if rest or minutes < 1:
        return None
    if minutes < 60:
        return f"*/{minutes} * * * *" if 60 % minutes == 0 else None
    hours, rest = divmod(minutes, 60)
    if rest or hours > 24 or 24 % hours:
        return None
    return "0 0 * * *" if hours == 24 else f"0 */{hours} * * *"
