"""The fields of a kind of definition as a command line sees them: names, forms and texts.

They are derived from the JSON Schema that editors use, so that a new type or field needs no line here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from assay.config.schema import json_schema
from assay.config.yaml import parse, scalar
from assay.errors import UsageError

_NUMBERS = frozenset(("number", "integer", "boolean"))
_PAIR = re.compile(r"\s*([^=\s]+)\s*=\s*(.*)", re.DOTALL)
_PAIRS = re.compile(r",(?=\s*[a-z]\w*=)")


@dataclass(frozen=True, slots=True)
class Field:
    """One value of a definition at `path`, such as ("assignment", "column").

    `forms` are the JSON types that it may have, and `items` those of what a list or a mapping holds.
    """

    path: tuple[str, ...]
    forms: frozenset[str]
    items: frozenset[str] = frozenset()
    choices: tuple[str, ...] = ()
    required: bool = False
    help: str = ""

    @property
    def option(self) -> str:
        return "--" + "-".join(self.path).replace("_", "-")

    @property
    def many(self) -> bool:
        return bool(self.forms & {"array", "object"})

    @property
    def form(self) -> str:
        """How it is written on a command line."""
        if "object" in self.forms:
            return "NAME=VALUE"
        if "array" in self.forms:
            return "NAME[,NAME]"
        if "boolean" in self.forms:
            return "true|false"
        return "|".join(self.choices) or ("TEXT" if "string" in self.forms else "NUMBER")

    def read(self, texts: Sequence[str]) -> Any:
        """The value of the option's texts. Raises UsageError for a text that is no value."""
        if self.many and len(texts) == 1 and texts[0][:1] in ("{", "["):
            return _yaml(self.option, texts[0])
        if "object" in self.forms and "array" not in self.forms:
            return dict(self._pair(each) for text in texts for each in _PAIRS.split(text))
        parts = [each.strip() for text in texts for each in text.split(",")] if self.many else []
        if self.many and (len(parts) > 1 or "string" not in self.forms):
            return [_value(self.items, each) for each in parts]
        return _value(self.forms, texts[-1])

    def _pair(self, text: str) -> tuple[str, Any]:
        found = _PAIR.fullmatch(text)
        if found is None:
            raise UsageError.of(
                "E601",
                f"{self.option} is '{text}', which is not NAME=VALUE.",
                why="It holds named values.",
                fix=f"Write, for example, {self.option} name=value, once for each.",
            )
        return found[1], _value(self.items, found[2])


@cache
def types(kind: str) -> tuple[str, ...]:
    """The types of a kind that has several, else nothing."""
    return tuple(_bodies(kind).get("discriminator", {}).get("mapping", ()))


@cache
def fields(kind: str, of_type: str | None = None) -> tuple[Field, ...]:
    """The fields of a kind, those of all its types together, or of one of them.

    Those of one type stand as people write them: what is required, what is special, and then what every type has.
    """
    models = _models(kind)
    same: dict[tuple[str, ...], list[tuple[str, Field]]] = {}
    for name, model in models.items():
        for each in _flat(model, ()):
            same.setdefault(each.path, []).append((name, each))
    everywhere = {path for path, found in same.items() if len(found) == len(models)}
    if of_type is None:
        return tuple(_merged(found, everywhere=path in everywhere) for path, found in same.items())
    common = everywhere if len(models) > 1 else ()
    own = [each for found in same.values() for name, each in found if name == of_type]
    return tuple(sorted(own, key=lambda each: (not each.required, each.path in common)))


def _bodies(kind: str) -> dict[str, Any]:
    found: dict[str, Any] = _schema()["properties"][kind]["additionalProperties"]
    return found


def _models(kind: str) -> dict[str, Any]:
    mapping = _bodies(kind).get("discriminator", {}).get("mapping")
    return {name: {"$ref": ref} for name, ref in mapping.items()} if mapping else {"": _bodies(kind)}


@cache
def _schema() -> dict[str, Any]:
    return json_schema()


def _flat(schema: Mapping[str, Any], above: tuple[str, ...]) -> Iterator[Field]:
    """The fields of a model, and those of the models in it, one level deep; `type` is asked for by itself."""
    model = _plain(schema)
    for name, each in model["properties"].items():
        path, required = (*above, name), name in model.get("required", ())
        alternatives = [found for found in _alternatives(each) if found.get("type") != "null"]
        if not above and alternatives and all(map(_is_model, alternatives)):
            yield from (replace(found, required=found.required and required) for found in _of_any(alternatives, path))
        elif path != ("type",):
            yield _field(path, alternatives, required, each.get("description", ""))


def _of_any(forms: Sequence[Mapping[str, Any]], path: tuple[str, ...]) -> Iterator[Field]:
    """The fields of a model that has one form or several; only what every form requires is required."""
    same: dict[tuple[str, ...], list[Field]] = {}
    for each in (found for form in forms for found in _flat(form, path)):
        same.setdefault(each.path, []).append(each)
    for found in same.values():
        required = len(found) == len(forms) and all(each.required for each in found)
        yield replace(_merged([("", each) for each in found], everywhere=True), required=required)


def _is_model(schema: Mapping[str, Any]) -> bool:
    """Whether its fields are known; a detector's are not, so it is written as named values."""
    return "properties" in schema and schema.get("additionalProperties") is False


def _field(path: tuple[str, ...], alternatives: Sequence[Mapping[str, Any]], required: bool, help_: str) -> Field:
    items = [found for each in alternatives for inner in _inside(each) for found in _alternatives(inner)]
    choices = tuple(str(value) for each in alternatives for value in each.get("enum", ()))
    return Field(path, _forms(alternatives), _forms(items), choices, required, help_)


def _inside(schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """What a list or a mapping holds, as far as it is told; anything where it is free."""
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), Mapping):
            yield schema[key]
    yield from schema.get("patternProperties", {}).values()
    if schema.get("additionalProperties") is True:
        yield {"anyOf": [{"type": "string"}, {"type": "number"}]}


def _forms(alternatives: Sequence[Mapping[str, Any]]) -> frozenset[str]:
    told = [each.get("type", "string") for each in alternatives]
    return frozenset(name for each in told for name in ([each] if isinstance(each, str) else each))


def _alternatives(schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    schema = _plain(schema)
    parts = schema.get("anyOf") or schema.get("oneOf")
    if parts is None:
        yield schema
    for each in parts or ():
        yield from _alternatives(each)


def _plain(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in schema:
        schema = _schema()["$defs"][schema["$ref"].rpartition("/")[2]]
    return schema


def _merged(found: Sequence[tuple[str, Field]], *, everywhere: bool) -> Field:
    """One field of several types that call it alike; its help says which, unless all do."""
    first, *others = (each for _, each in found)
    for other in others:
        choices = tuple(dict.fromkeys((*first.choices, *other.choices)))
        first = replace(first, forms=first.forms | other.forms, items=first.items | other.items, choices=choices)
    where = "" if everywhere else f"  [{', '.join(name for name, _ in found)}]"
    return replace(first, help=first.help + where)


def _value(forms: frozenset[str], text: str) -> Any:
    return scalar(text) if forms & _NUMBERS else text


def _yaml(option: str, text: str) -> Any:
    found = parse(text.encode(), option)
    if found.diagnostics:
        raise UsageError(*found.diagnostics)
    return found.data
