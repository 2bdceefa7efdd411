"""What a forecast says no to, and how."""

from __future__ import annotations

from assay.errors import UsageError


def too_little(message: str, why: str, fix: str) -> UsageError:
    """W601: the data hold no answer."""
    return UsageError.of("W601", message, why=why, fix=fix)


def misfit(message: str, why: str, fix: str) -> UsageError:
    """E601: what was asked does not fit together."""
    return UsageError.of("E601", message, why=why, fix=fix)


def missing(package: str, extra: str, what: str) -> UsageError:
    """E601: a model of an optional extra that is not installed."""
    return misfit(
        f"{what} needs {package}, which is not installed.",
        why="It is an optional extra; naive, seasonal_naive, drift, mean, ets, ucm, theta and ensemble need none.",
        fix=f"Install it: make {extra}, or pip install 'assay-platform[{extra}]'; or leave the model out.",
    )
