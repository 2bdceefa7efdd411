"""The warehouse's address as project.yaml may keep it: without a password, and right from the project's folder."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, urlsplit

from assay.config.env import REFERENCE, resolve
from assay.engine import Dsn, parse_dsn
from assay.errors import WarehouseError

PASSWORD = "CLICKHOUSE_PASSWORD"  # noqa: S105 - the name of a variable


def opened(text: str, environ: Mapping[str, str]) -> Dsn:
    """The address that a person typed, its `${NAME}` filled in; a relative path starts at the current folder.

    Raises WarehouseError E502, and E504 for an embedded database that does not exist: opening would create it.
    """
    dsn = parse_dsn(resolve(text, environ))
    if dsn.path is not None and not dsn.path.is_dir():
        raise WarehouseError.of(
            "E504",
            f"There is no embedded database in {dsn.path}.",
            why="Tables are read from it; a new one would be empty.",
            fix="Correct the path. A relative one starts at the current folder.",
        )
    return dsn


def kept(text: str, dsn: Dsn, folder: Path) -> str:
    """What stands in the project.yaml of `folder`: a password becomes a reference, and a relative path starts there."""
    if dsn.path is None:
        return _without_password(text)
    if urlsplit(text).netloc:
        return f"chdb://{quote(os.path.relpath(dsn.path, folder.resolve()))}"
    return text


def _without_password(text: str) -> str:
    netloc = urlsplit(text).netloc
    account, _, host = netloc.rpartition("@")
    user, _, password = account.partition(":")
    if not password or REFERENCE.fullmatch(password):
        return text
    return text.replace(netloc, f"{user}:${{{PASSWORD}}}@{host}", 1)
