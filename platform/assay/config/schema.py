"""JSON Schemas (draft 2020-12), so that editors complete and check definitions while they are written."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core.core_schema import DictSchema

from assay.config.base import NAME, show_duration
from assay.config.definitions import KINDS
from assay.config.project import ProjectSpec

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


class _Generator(GenerateJsonSchema):
    """Says of durations and names what pydantic's own generator leaves out."""

    def encode_default(self, dft: Any) -> Any:
        return show_duration(dft) if isinstance(dft, timedelta) else super().encode_default(dft)

    def dict_schema(self, schema: DictSchema) -> JsonSchemaValue:
        found = super().dict_schema(schema)
        return {**found, "additionalProperties": False} if "patternProperties" in found else found


def json_schema() -> dict[str, Any]:
    """The schema of a file of definitions: every kind as an optional top-level key, names to bodies."""
    asked = [(kind, "validation", TypeAdapter(spec)) for kind, spec in KINDS.items()]
    bodies, shared = TypeAdapter.json_schemas(asked, schema_generator=_Generator)  # type: ignore[arg-type]
    return {
        "$schema": _DIALECT,
        "title": "Assay definitions",
        "description": "Metrics, experiments, alerts and what they need, by kind and name.",
        "type": ["object", "null"],
        "additionalProperties": False,
        "properties": {kind: _section(kind, bodies[kind, "validation"]) for kind in KINDS},
        **shared,
    }


def project_schema() -> dict[str, Any]:
    """The schema of project.yaml."""
    return {"$schema": _DIALECT, **ProjectSpec.model_json_schema(schema_generator=_Generator)}


def _section(kind: str, body: Any) -> dict[str, Any]:
    return {
        "type": ["object", "null"],
        "description": f"{kind.capitalize()} by name.",
        "propertyNames": {"pattern": NAME},
        "additionalProperties": body,
    }
