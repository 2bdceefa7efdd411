from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.engine import Dsn, clickhouse, parse_dsn
from assay.errors import WarehouseError

ROOT = Path("/project")
SECRET = "hunter2-äöü:@/#?% "
ESCAPED = "hunter2-%C3%A4%C3%B6%C3%BC%3A%40%2F%23%3F%25%20"


def server(host: str = "host", port: int = 8123, secure: bool = False, **more: object) -> Dsn:
    return Dsn(host=host, port=port, secure=secure, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("chdb://target/warehouse", Dsn(path=ROOT / "target/warehouse")),
        ("chdb://warehouse", Dsn(path=ROOT / "warehouse")),
        ("chdb:///data/warehouse", Dsn(path=Path("/data/warehouse"))),
        ("chdb://a%20b/%3Fc", Dsn(path=ROOT / "a b/?c")),
        ("chdb://../beside", Dsn(path=Path("/beside"))),
        ("clickhouse://host", server()),
        ("http://host", server()),
        ("clickhouses://host", server(port=8443, secure=True)),
        ("https://host", server(port=8443, secure=True)),
        ("https://host:9999", server(port=9999, secure=True)),
        ("clickhouse://host:8443", server(port=8443)),
        ("clickhouse://host/product", server(database="product")),
        ("clickhouse://host/caf%C3%A9", server(database="café")),
        ("clickhouse://ann@host", server(user="ann")),
        ("clickhouse://ann:pw@host:1/db", server(port=1, user="ann", password="pw", database="db")),
        (f"clickhouse://a%40b:{ESCAPED}@host", server(user="a@b", password=SECRET)),
        ("clickhouse://[::1]:9000", server("::1", 9000)),
        ("clickhouse://host?max_threads=1", server(settings={"max_threads": "1"})),
        ("clickhouses://host?ca_cert=ca.pem", server(port=8443, secure=True, ca_cert=ROOT / "ca.pem")),
    ],
)
def test_addresses(text: str, expected: Dsn) -> None:
    assert parse_dsn(text, ROOT) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "host",
        "/data/warehouse",
        "chdb://",
        "chdb:///",
        "chdb://target?mode=ro",
        "chdb://target#1",
        "postgres://ann:hunter2@host/db",
        "clickhouse://",
        "clickhouse:///db",
        "clickhouse://ann:hunter2@host:port",
        "clickhouse://ann:hunter2@host:99999",
        "clickhouse://ann:hunter2#1@host",
        "clickhouse://ann:hunter2@[::1",
    ],
)
def test_what_is_not_an_address_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(WarehouseError) as caught:
        parse_dsn(text, ROOT)
    assert caught.value.diagnostics[0].code == "E502"
    assert "hunter2" not in str(caught.value)
    cause = caught.value.__cause__
    assert cause is None or "hunter2" not in str(cause)


@given(st.text(max_size=40))
def test_any_text_is_an_address_or_refused(text: str) -> None:
    for prefix in ("", "chdb://", "clickhouse://", "https://u:p@"):
        with suppress(WarehouseError):
            assert str(parse_dsn(prefix + text, ROOT)).startswith(("chdb://", "clickhouse://", "clickhouses://"))


def test_the_password_is_never_shown() -> None:
    dsn = parse_dsn(f"https://ann:{ESCAPED}@host/db", ROOT)
    assert str(dsn) == "clickhouses://ann@host:8443/db"
    for shown in (str(dsn), repr(dsn), f"{dsn}"):
        assert "hunter2" not in shown


def test_the_driver_is_told_to_use_tls() -> None:
    assert clickhouse._server(parse_dsn("https://host:1"), 60)["interface"] == "https"
    assert clickhouse._server(parse_dsn("clickhouses://host:1"), 60)["interface"] == "https"
    assert clickhouse._server(parse_dsn("http://host:443"), 60)["interface"] == "http"
