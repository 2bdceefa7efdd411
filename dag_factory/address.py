"""From an Airflow Connection to the address of the warehouse."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias
from urllib.parse import quote

from assay.errors import UsageError

# The fields of a Connection by its name; raises when there is none.
Find: TypeAlias = Callable[[str], Mapping[str, Any]]

_SERVERS = ("clickhouse", "http", "https")


def dsn(name: str, find: Find) -> str:
    """The DSN of a Connection: of type `clickhouse`, `http` or `https`, or one whose extra names a chDB folder.

    The extra is read as the ClickHouse provider reads it: {"client_kwargs": {"interface": "chdb", "path": "/…"}}, and
    {"secure": true} asks for TLS. Raises UsageError E805.
    """
    try:
        found = find(name)
    except Exception as error:
        raise _unusable(name, f"cannot be read ({type(error).__name__})") from error
    extra = found.get("extra") or {}
    options = {**extra, **(extra.get("client_kwargs") or {})}
    if options.get("interface") == "chdb":
        if not options.get("path"):
            raise _unusable(name, "names chDB without a path")
        return f"chdb://{quote(str(options['path']))}"
    if found["conn_type"] not in _SERVERS or not found["host"]:
        raise _unusable(name, f"has the type '{found['conn_type']}' and the host '{found['host'] or ''}'")
    return _server(found, secure=bool(options.get("secure")) or found["conn_type"] == "https")


def _server(found: Mapping[str, Any], *, secure: bool) -> str:
    user = quote(found["login"] or "default", safe="")
    password = f":{quote(found['password'], safe='')}" if found["password"] else ""
    port = f":{found['port']}" if found["port"] else ""
    scheme = "clickhouses" if secure else "clickhouse"
    return f"{scheme}://{user}{password}@{found['host']}{port}/{quote(found['schema'] or '')}"


def _unusable(name: str, what: str) -> UsageError:
    return UsageError.of(
        "E805",
        f"The Airflow Connection '{name}' {what}.",
        why="project.yaml names it as the warehouse, under `airflow: connection:`.",
        fix=f"Run: airflow connections add {name} --conn-type clickhouse --conn-host HOST --conn-login USER "
        "--conn-password PASSWORD",
    )
