"""The shape of one definition: a typed spec, or diagnostics that a person understands.

pydantic finds the mistakes; this module says them: where, what, why and how to correct them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from assay.config.base import NAME, FieldError
from assay.config.definitions import KINDS
from assay.config.env import REFERENCE
from assay.config.yaml import Path, Places, kind_of
from assay.errors import Diagnostic, Location

# Kinds whose texts may hold `${NAME}`.
REFERRING = ("routes",)


@dataclass(frozen=True, slots=True)
class Subject:
    """What is being checked: how sentences call it, and where its parts stand."""

    title: str
    location: Location
    values: Places
    keys: Places

    def value_at(self, path: Path) -> Location:
        return self.values.nearest(path) if path else self.location

    def key_at(self, path: Path) -> Location:
        return self.keys.nearest(path) if path else self.location

    def field(self, path: Path) -> str:
        return f"'{show(path)}' of {self.title}"


def show(path: Path) -> str:
    """`metrics.primary[0]`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


def check(kind: str, subject: Subject, body: Any, *, references: bool) -> Any:
    """The spec of a definition of this kind, or a list of diagnostics; `references`: its file holds some `${NAME}`."""
    body = {} if body is None else body
    model, types = KINDS[kind], members(kind)
    if not isinstance(body, dict):
        return [_not_fields(subject, body, "type" if types else _fields(model)[0])]
    if types:
        tag = body.get("type")
        if not isinstance(tag, str) or tag not in types:
            return [_no_type(kind, subject, body, types)]
        model = types[tag]
    if references and kind not in REFERRING and (found := [*_references(subject, body, ())]):
        return found
    return validate(model, subject, body)


def validate(model: type[BaseModel], subject: Subject, body: Any) -> Any:
    """An instance of `model`, or a list of diagnostics."""
    if not isinstance(body, dict):
        return [_not_fields(subject, body, _fields(model)[0])]
    try:
        return model.model_validate(body)
    except ValidationError as error:
        return [*_Told(model, subject).all([_untagged(model, each) for each in error.errors(include_url=False)])]


@cache
def members(kind: str) -> dict[str, type[BaseModel]]:
    """The models of a kind that has several, by their `type`; empty for the others."""
    if get_origin(KINDS[kind]) is not Annotated:
        return {}
    models = get_args(get_args(KINDS[kind])[0])
    return {get_args(each.model_fields["type"].annotation)[0]: each for each in models}


def _not_fields(subject: Subject, body: Any, field: str) -> Diagnostic:
    what = f"{_begin(subject.title)} must be a mapping of fields, not {_value(body)}."
    return Diagnostic("E104", what, _WHY_TYPES, f"Write its fields below it, such as '{field}:'.", subject.location)


def _no_type(kind: str, subject: Subject, body: Mapping[str, Any], types: Iterable[str], path: Path = ()) -> Diagnostic:
    """Of a definition, or of the part of one at `path`."""
    why = f"The type decides which fields there are. Types: {', '.join(types)}."
    if "type" not in body:
        title = f"{_begin(subject.field(path) if path else subject.title)} has no 'type'."
        return Diagnostic("E103", title, why, f"Add type: {next(iter(types))}, or another one.", subject.key_at(path))
    tag = body["type"]
    near = nearest(tag, types) if isinstance(tag, str) else None
    fix = f"Write type: {near}." if near else "Choose one of these types."
    what = f"{subject.field((*path, 'type'))} is {_value(tag)}, which is not a type of {kind}."
    return Diagnostic("E105", what, why, fix, subject.value_at((*path, "type")))


def _references(subject: Subject, value: Any, path: Path) -> Iterator[Diagnostic]:
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for part, inner in parts:
        yield from _references(subject, inner, (*path, part))
    if isinstance(value, str) and (found := REFERENCE.search(value)):
        what = f"{subject.field(path)} refers to the environment: {found[0]}."
        why = "A definition means the same on every machine; only project.yaml and routes may refer to the environment."
        yield Diagnostic("E104", what, why, "Write the value out.", subject.value_at(path))


@dataclass(frozen=True, slots=True)
class _Told:
    """The mistakes that pydantic found in one body, told in our words."""

    model: type[BaseModel]
    subject: Subject

    def all(self, errors: Sequence[ErrorDetails]) -> Iterator[Diagnostic]:
        errors = [each for each in errors if not _is_echo(each, errors)]
        missing = [each["loc"] for each in errors if each["type"] == "missing"]
        for each in errors:
            if each["type"] == "extra_forbidden":
                yield self.unknown(each["loc"], missing)
        for path in missing:
            yield self.missing(path)
        for each in errors:
            if each["type"] not in ("missing", "extra_forbidden"):
                yield self.wrong(each)

    def unknown(self, path: Path, missing: list[Path]) -> Diagnostic:
        """An unknown field; when it resembles a missing one, that is the same mistake and leaves `missing`."""
        name, above = str(path[-1]), path[:-1]
        fields = list(dict.fromkeys(each for model in _models_at(self.model, above) for each in _fields(model)))
        why = f"A misspelt field would silently do nothing. Fields here: {', '.join(fields)}."
        lacking = [str(each[-1]) for each in missing if each[:-1] == above]
        near = nearest(name, lacking) or nearest(name, fields)
        if near in lacking:
            missing.remove((*above, near))
        fix = f"Write '{near}' instead." if near else "Delete it, or use one of the fields here."
        return Diagnostic("E102", f"Unknown field {self.subject.field(path)}.", why, fix, self.subject.key_at(path))

    def missing(self, path: Path) -> Diagnostic:
        name, above = path[-1], path[:-1]
        where = self.subject.field(above) if above else self.subject.title
        why = f"Nothing can be assumed in its place.{self.meaning(path)}"
        return Diagnostic(
            "E103", f"{_begin(where)} has no '{name}'.", why, f"Add '{name}:'.", self.subject.key_at(above)
        )

    def wrong(self, error: ErrorDetails) -> Diagnostic:
        path, value = error["loc"], error["input"]
        if path and path[-1] == "[key]":
            return self.wrong_key(path[:-1], value)
        if error["type"] in ("union_tag_not_found", "union_tag_invalid") and isinstance(value, dict):
            return self.no_type(path, value)
        cause = (error.get("ctx") or {}).get("error")
        what, fix = self.refused(path, value, cause) if cause else self.unexpected(path, value, error)
        why = _WHY_FORM if cause else _WHYS.get(error["type"], _WHY_TYPES)
        if isinstance(value, dict | BaseModel):
            return Diagnostic("E104", what, _WHY_WHOLE if cause else why, fix, self.subject.key_at(path))
        return Diagnostic("E104", what, why + self.meaning(path), fix, self.subject.value_at(path))

    def no_type(self, path: Path, value: Mapping[str, Any]) -> Diagnostic:
        """A part, such as a block, whose type is missing or unknown."""
        types = [tag for each in _models_at(self.model, path) if (tag := _tag(each))]
        return _no_type(str(path[0]), self.subject, value, types, path)

    def wrong_key(self, path: Path, value: Any) -> Diagnostic:
        what = f"The key {self.subject.field(path)} is not a name."
        return Diagnostic("E104", what, _WHY_NAMES, name_fix(value), self.subject.key_at(path))

    def refused(self, path: Path, value: Any, cause: Exception) -> tuple[str, str]:
        """What one of our own validators says, and the edit that it proposes."""
        whole = isinstance(value, dict | BaseModel)
        where = _begin(self.subject.field(path) if path else self.subject.title)
        what = f"{where}: {cause}." if whole else f"{where} is {_value(value)}: {cause}."
        example = cause.example if isinstance(cause, FieldError) else None
        if example is None:
            return what, "Correct it as said above."
        named = not whole and path and isinstance(path[-1], str)
        return what, f"Write {path[-1]}: {example}" if named else f"Write {example}"

    def unexpected(self, path: Path, value: Any, error: ErrorDetails) -> tuple[str, str]:
        context = error.get("ctx") or {}
        shown = str(context["actual_length"]) if error["type"] == "too_short" else _value(value)
        return f"{_begin(self.subject.field(path))} must {_expected(error)}, not {shown}.", _fix(path, value, error)

    def meaning(self, path: Path) -> str:
        owners = _models_at(self.model, path[:-1]) if path else ()
        told = (owner.model_fields[str(path[-1])].description for owner in owners if path[-1] in owner.model_fields)
        return next((f" The field means: {each}" for each in told if each), "")


_WHY_TYPES = "Types are not guessed: text, numbers, lists and true or false are different things."
_WHY_FORM = "The same form is used everywhere, so that a value has one meaning."
_WHY_RANGE = "Nothing else has a meaning here."
_WHY_WHOLE = "The parts of a definition must fit together."
_WHY_NAMES = "Names become columns, file names and parts of messages: lower-case letters, digits and underscores."
# What a field must do, by the complaint of pydantic; limits come from the complaint's context.
_EXPECTED = {
    "union_tag_not_found": "be a mapping of fields with a type",
    "model_attributes_type": "be a mapping of fields",
    "string_type": "be text",
    "int_type": "be a whole number",
    "int_from_float": "be a whole number",
    "float_type": "be a number",
    "finite_number": "be a finite number",
    "bool_type": "be true or false",
    "tuple_type": "be a list",
    "dict_type": "be a mapping",
    "model_type": "be a mapping of fields",
    "string_pattern_mismatch": "be a name: lower-case letters, digits and underscores",
    "literal_error": "be {expected}",
    "greater_than": "be greater than {gt:g}",
    "greater_than_equal": "be at least {ge:g}",
    "less_than": "be less than {lt:g}",
    "less_than_equal": "be at most {le:g}",
    "string_too_short": "be filled",
    "too_short": "hold {min_length} or more entries",
}
_RANGES = ("literal_error", "greater_than", "greater_than_equal", "less_than", "less_than_equal", "too_short")
_WHYS = {**dict.fromkeys(_RANGES, _WHY_RANGE), "string_pattern_mismatch": _WHY_NAMES}
_LONGEST = 240  # characters of a name: a file has one of 255
_NUMERIC = re.compile(r"[+-]?\d+(\.\d+)?")


def _expected(error: ErrorDetails) -> str:
    return _EXPECTED.get(error["type"], "be something else").format(**(error.get("ctx") or {}))


def _is_echo(error: ErrorDetails, errors: Sequence[ErrorDetails]) -> bool:
    """Whether a list only seems too short, because its wrong items were not counted."""
    above = error["loc"]
    return error["type"] == "too_short" and any(
        len(each["loc"]) > len(above) and each["loc"][: len(above)] == above for each in errors
    )


def _fix(path: Path, value: Any, error: ErrorDetails) -> str:
    kind, name = error["type"], path[-1]
    if kind == "literal_error":
        known = re.findall(r"'([^']*)'", error["ctx"]["expected"])
        return f"Write {name}: {nearest(str(value), known) or known[0]}"
    if kind == "string_pattern_mismatch":
        return name_fix(value)
    if kind == "bool_type":
        return f"Write {name}: true or {name}: false"
    if kind == "string_type" and isinstance(value, bool | int | float):
        return f'Put it in quotes: "{_value(value)}"'
    if kind in ("int_type", "float_type") and isinstance(value, str) and _NUMERIC.fullmatch(value):
        return f"Write it without quotes: {value}"
    if kind == "tuple_type" and isinstance(value, str | int | float):
        return f"Write {name}: [{value}]"
    return f"Correct it: it must {_expected(error)}."


def name_fix(text: Any) -> str:
    """An allowed name that resembles `text`."""
    name = re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", str(text)).lower()).strip("_")
    name = name if re.fullmatch(NAME, name) else f"x_{name}".rstrip("_")
    return f"Write {name} instead."


def bad_name(subject: Subject, name: str) -> Diagnostic | None:
    """E104 when `name` cannot be the name of a definition."""
    if len(name) > _LONGEST:
        why, fix = "Names become names of files and of DAGs.", f"Shorten it to at most {_LONGEST} characters."
        return Diagnostic("E104", f"The name '{name[:20]}…' is too long.", why, fix, subject.location)
    if re.fullmatch(NAME, name):
        return None
    what = f"'{name}' is not a name that a definition can have."
    return Diagnostic("E104", what, _WHY_NAMES, name_fix(name), subject.location)


def _untagged(model: type[BaseModel], error: ErrorDetails) -> ErrorDetails:
    """An error without the types that pydantic puts into the path below a part that has several."""
    found, path = [model], list[str | int]()
    for part in error["loc"]:
        if any(_is_model(each) and _tag(each) == part for each in found) and len(found) > 1:
            found = [each for each in found if _is_model(each) and _tag(each) == part]
        else:
            found = [inner for each in found for inner in _inside(each, part)]
            path.append(part)
    return {**error, "loc": tuple(path)}


def _tag(model: type[BaseModel]) -> str | None:
    """The `type` of a model that is one of several."""
    field = model.model_fields.get("type")
    arguments = get_args(field.annotation) if field else ()
    return arguments[0] if arguments else None


def _models_at(model: Any, path: Path) -> list[type[BaseModel]]:
    """What the mapping at `path` inside `model` may be; nothing when a mapping of names stands there."""
    found = _alternatives(model)
    for part in path:
        found = [each for above in found for each in _inside(above, part)]
    return [each for each in found if _is_model(each)]


def _inside(annotation: Any, part: str | int) -> list[Any]:
    if _is_model(annotation):
        field = annotation.model_fields.get(part)
        return _alternatives(field.annotation) if field else []
    arguments = get_args(annotation) or (None,)
    return _alternatives(arguments[-1] if get_origin(annotation) is dict else arguments[0])


def _alternatives(annotation: Any) -> list[Any]:
    """The parts of a union, without `Annotated`."""
    if get_origin(annotation) is Annotated:
        return _alternatives(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return [each for part in get_args(annotation) for each in _alternatives(part)]
    return [annotation]


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _fields(model: type[BaseModel]) -> list[str]:
    return [each.alias or name for name, each in model.model_fields.items()]


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that `word` is probably meant to be."""
    return next(iter(get_close_matches(word, list(known), n=1, cutoff=0.65)), None)


def _begin(text: str) -> str:
    return text[:1].upper() + text[1:]


def _value(value: Any) -> str:
    """A value as it stands in YAML, shortened; lists and mappings by what they are."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f"'{value}'" if len(value) <= 60 else f"'{value[:59]}…'"
    return str(value) if isinstance(value, int | float) else kind_of(value)
