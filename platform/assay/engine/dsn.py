"""The warehouse's address. We parse it ourselves: the driver ignores the scheme and would send `https://` in clear."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from assay.errors import WarehouseError

_SECURE = {"clickhouse": False, "http": False, "clickhouses": True, "https": True}
FORMS = "chdb://path, chdb:///absolute/path or clickhouse[s]://user:password@host:port/database"


@dataclass(frozen=True, slots=True)
class Dsn:
    """A parsed address; `path` is set for the embedded engine, `host` for a server.

    `config` is a server's configuration file for the embedded engine: in tests it is two shards of a cluster by that.
    `ca_cert` is the certificate of an authority that the system does not know.
    """

    path: Path | None = None
    host: str = ""
    port: int = 0
    secure: bool = False
    user: str = "default"
    password: str = field(default="", repr=False)
    database: str = "default"
    settings: dict[str, str] = field(default_factory=dict)
    config: Path | None = None
    ca_cert: Path | None = None

    @property
    def embedded(self) -> bool:
        return self.path is not None

    def __str__(self) -> str:
        """For people: never the password."""
        if self.path is not None:
            return f"chdb://{self.path}"
        return f"clickhouse{'s' if self.secure else ''}://{self.user}@{self.host}:{self.port}/{self.database}"


def parse_dsn(text: str, root: Path | None = None) -> Dsn:
    """Read an address; a relative path, of chDB or of a certificate (`?ca_cert=`), starts at `root`.

    Raises WarehouseError E502 when the text is not one of the known forms, without repeating it: it may hold
    a password.
    """
    try:
        parts = urlsplit(text)
    except ValueError:
        raise _not_understood("Its host is malformed.") from None  # the cause would repeat the text
    if parts.scheme == "chdb":
        return _embedded(parts, root or Path.cwd())
    if parts.scheme in _SECURE and parts.hostname:
        return _server(parts, root or Path.cwd())
    raise _not_understood(f"The scheme '{parts.scheme}' is not known." if parts.scheme else "It has no scheme.")


def _embedded(parts: SplitResult, root: Path) -> Dsn:
    path = unquote(parts.netloc + parts.path)
    if not path.strip("/") or "\0" in path:
        raise _not_understood("The embedded engine needs a folder.")
    if parts.query or parts.fragment:
        raise _not_understood("The embedded engine takes no settings; '?' and '#' in a path are written %3F and %23.")
    return Dsn(path=(root / path).resolve())


def _server(parts: SplitResult, root: Path) -> Dsn:
    secure, settings = _SECURE[parts.scheme], dict(parse_qsl(parts.query))
    ca_cert = settings.pop("ca_cert", None)
    if ca_cert and not secure:
        raise _not_understood("A certificate is for clickhouses://, which is encrypted.")
    try:
        port = parts.port or (8443 if secure else 8123)
    except ValueError:
        what = "The port is not a number; ':', '@', '/' and '#' in a password are escaped, such as %40 for '@'."
        raise _not_understood(what) from None
    return Dsn(
        host=parts.hostname or "",
        port=port,
        secure=secure,
        user=unquote(parts.username or "default"),
        password=unquote(parts.password or ""),
        database=unquote(parts.path.strip("/")) or "default",
        settings=settings,
        ca_cert=(root / ca_cert).resolve() if ca_cert else None,
    )


def _not_understood(what: str) -> WarehouseError:
    return WarehouseError.of(
        "E502",
        f"The warehouse address is not understood. {what}",
        why="It says where ClickHouse is.",
        fix=f"Use {FORMS}",
    )
