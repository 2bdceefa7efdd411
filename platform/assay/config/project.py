"""`project.yaml`: settings of the whole project."""

from __future__ import annotations

from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field

from assay.config.base import FieldError, Integer, Name, Spec


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise FieldError("a time zone is a name of the IANA database, such as Europe/Moscow or UTC", "UTC") from error
    return name


class Warehouse(Spec):
    """Where ClickHouse is."""

    dsn: str = Field(
        description="chdb://path, chdb:///absolute/path or clickhouse[s]://user:password@host:port/database"
    )
    database: Name = Field("assay", description="Our own database: the only one that is written to.")
    timeout: Integer = Field(300, ge=1, description="Seconds that one statement may take.")


class ProjectSpec(Spec):
    """Settings that no single definition owns."""

    name: str = Field(min_length=1)
    warehouse: Warehouse | None = None
    timezone: Annotated[str, AfterValidator(_zone)] = "UTC"
    definitions: tuple[str, ...] = Field(("metrics", "experiments", "alerts"), description="Folders of YAML.")
    target: str = Field("target", description="Where built things go.")
    seed: Integer = Field(20250706, ge=0, description="The seed of everything random.")
