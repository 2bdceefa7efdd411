"""Jinja in a user's SQL: a sandbox, a few filters, macros, and a bound on the work of every text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache, wraps
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

from assay.errors import Diagnostic, Location

FILTERS = ("abs", "first", "int", "join", "last", "length", "lower", "round", "sort", "string", "unique", "upper")
LIMIT = 1_000_000  # characters that one text may come to, with what macros, loops and filters read on the way
LONGEST = 100_000  # characters of a text that is filled: what a filter or a comparison reads at once
_NESTED = 2
_DIGITS = 15  # that a number with a fraction has
_ROOM = "SQL texts are Jinja templates with {{ }}, {% if %} and {% for %}; ClickHouse does the calculating."
_HARMLESS = "Macros hold SQL with {{ }}, {% if %} and {% for %}, and call nothing."


class BadExpression(Exception):
    """Why a text is not right; the caller knows where it stands, unless the text is a file that does: `place`.

    `position` is the line and column inside the text, where they are known.
    """

    def __init__(self, code: str, message: str, why: str, fix: str, place: Location | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.why, self.fix, self.place = code, message, why, fix, place
        self.position: tuple[int, int] | None = None

    def at(self, location: Location) -> Diagnostic:
        return Diagnostic(self.code, self.message, self.why, self.fix, self.place or location)


@dataclass(frozen=True, slots=True)
class Call:
    """A function that a text calls, with its first argument where that is text. A bare name has no argument."""

    function: str
    argument: str | None
    line: int


def is_template(text: str) -> bool:
    """Whether there is anything to fill; other texts are left as they are."""
    return "{{" in text or "{%" in text or "{#" in text


def render(text: str, names: Mapping[str, Any] | None = None, path: str | None = None) -> str:
    """Fill a Jinja text in a sandbox where an undefined name is an error. Raises BadExpression E403.

    `names` are the values and functions that it may use; `path` is its file, which mistakes then point at. Calls go to
    names only; there are no assignments, no `*` and `**`, at most two loops inside each other, and everything that is
    looped over, filtered or written counts towards `LIMIT`.
    """
    if not is_template(text):
        return text
    with _bounded(path), _budget(text):
        template = _compiled(text, path, _calls_names(names or {}))
        return str(template.render(names or {}))


def macros(text: str, path: str) -> dict[str, Callable[..., str]]:
    """The macros of a file, by name. Raises BadExpression E403."""
    with _bounded(path), _budget(text):
        found = vars(_compiled(text, path, _calls_nothing).module)
    return {name: _counted(each, len(text)) for name, each in found.items() if callable(each)}


def calls(text: str) -> tuple[Call, ...]:
    """Every function and name that a text uses; empty for a text that is no template."""
    from jinja2 import TemplateError, nodes

    try:
        tree = _sandbox().parse(text)
    except TemplateError:
        return ()
    called = list(tree.find_all(nodes.Call))
    functions = {id(each.node) for each in called}
    bare = [Call(each.name, None, each.lineno) for each in tree.find_all(nodes.Name) if id(each) not in functions]
    return (*(_call(each) for each in called), *bare)


def _call(node: Any) -> Call:
    first = getattr(node.args[0], "value", None) if node.args else None
    return Call(getattr(node.node, "name", ""), first if isinstance(first, str) else None, node.lineno)


# What is left of the work that one text may make; a limit on the length of a result alone would come too late.
_left: ContextVar[int] = ContextVar("_left", default=LIMIT)


@contextmanager
def _budget(text: str) -> Iterator[None]:
    if len(text) > LONGEST:
        raise _fails(f"it is longer than {LONGEST:,} characters", "Write less SQL.")
    token = _left.set(LIMIT - len(text))
    try:
        yield
    finally:
        _left.reset(token)


def _spend(amount: int) -> None:
    left = _left.get() - amount
    if left < 0:
        raise _fails(f"it makes more than {LIMIT:,} characters", "Write less SQL.")
    _left.set(left)


@contextmanager
def _bounded(path: str | None) -> Iterator[None]:
    """A template may fail in any way that Python can: all of them become E403."""
    try:
        yield
    except BadExpression as error:
        error.place = error.place or _place(error, path)
        raise
    except Exception as error:
        failure = _fails(str(error).rstrip(".") or type(error).__name__, "Correct the template.")
        failure.place = _place(error, path)
        raise failure from error


def _place(error: Exception, path: str | None) -> Location | None:
    """Where in the file of a template or of a macro: as Jinja says it, else the innermost frame of the traceback."""
    from jinja2 import TemplateSyntaxError

    if isinstance(error, TemplateSyntaxError):
        return Location(path, error.lineno) if path else None
    place, trace = None, error.__traceback__
    while trace:
        file = trace.tb_frame.f_code.co_filename
        if "__jinja_exception__" in trace.tb_frame.f_globals and file != "<template>":
            place = Location(file, trace.tb_lineno)
        trace = trace.tb_next
    return place or (Location(path) if path else None)


@lru_cache(maxsize=1)
def _sandbox() -> Any:
    import jinja2
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(
        undefined=jinja2.StrictUndefined, autoescape=False, finalize=_written, optimized=False
    )
    environment.globals.clear()
    known = {name: environment.filters[name] for name in FILTERS}
    ours = {"ident": quote_identifier, "literal": quote_literal, "join": _join, "round": _round}
    environment.filters = {name: _paid(each) for name, each in (known | ours).items()} | {_LOOPED: _looped}
    return environment


_LOOPED = "assay__looped"


def _work(node: Any) -> int:
    """What a part of a template makes each time: its steps, what it writes and the texts that it holds."""
    held = getattr(node, "data", getattr(node, "value", None))
    return 1 + (len(held) if isinstance(held, str) else 0) + sum(map(_work, node.iter_child_nodes()))


def _compiled(text: str, path: str | None, allowed: Callable[[Any], str | None]) -> Any:
    from jinja2 import nodes

    environment = _sandbox()
    tree = environment.parse(text)
    _refuse_unbounded(tree, allowed)
    for loop in tree.find_all(nodes.For):
        work = nodes.Const(sum(_work(each) for each in (*loop.body, *filter(None, [loop.test]))))
        loop.iter = nodes.Filter(loop.iter, _LOOPED, [work], [], None, None, lineno=loop.lineno)
    tree.set_environment(environment)
    code = environment.compile(tree, path, path)
    return environment.template_class.from_code(environment, code, environment.globals)


def _paid(filtering: Callable[..., Any]) -> Callable[..., Any]:
    """A filter that counts what it reads."""

    @wraps(filtering)  # with its marks, by which Jinja knows what to pass
    def paid(*arguments: Any, **named: Any) -> Any:
        _spend(sum(len(each) if isinstance(each, Sized) else 1 for each in arguments))
        return filtering(*arguments, **named)

    return paid


def _written(value: Any) -> Any:
    if isinstance(value, FunctionType | BuiltinFunctionType | MethodType):
        raise _fails("a function stands there without brackets", "Call it: {{ name() }}.")
    _spend(len(value) if isinstance(value, str) else 20)
    return value


def _looped(values: Iterable[Any], length: int) -> Iterator[Any]:
    """The values of a loop, each of which makes the work of `length` characters."""
    for each in values:
        _spend(length)
        yield each


def _join(values: Iterable[Any], between: str = "") -> str:
    listed = [str(each) for each in values]
    _spend(sum(map(len, listed)) + len(str(between)) * len(listed))
    return str(between).join(listed)


def _round(value: float, precision: int = 0, method: Any = "common") -> float:
    from jinja2.filters import do_round

    if abs(precision) > _DIGITS:  # a power of ten with millions of digits takes minutes
        raise _fails(f"'round' is to {precision:,} digits", f"Round to at most {_DIGITS} digits.")
    return do_round(value, precision, method)


def _counted(macro: Any, length: int) -> Callable[..., str]:
    def call(*arguments: Any, **named: Any) -> str:
        _spend(length + sum(len(str(each)) for each in (*arguments, *named.values())))
        return str(macro(*arguments, **named))

    return call


def _calls_names(names: Mapping[str, Any]) -> Callable[[Any], str | None]:
    known = [name for name, each in names.items() if callable(each)]

    def allowed(call: Any) -> str | None:
        name = getattr(call.node, "name", None)
        if name in known and call.dyn_args is None and call.dyn_kwargs is None:
            return None
        return f"'{name}()' is not available here" if name else "only a name can be called"

    return allowed


def _calls_nothing(_call: Any) -> str:
    return "a macro calls another function"


def _refuse_unbounded(tree: Any, allowed: Callable[[Any], str | None]) -> None:
    from jinja2 import nodes

    statements = (nodes.Output, nodes.If, nodes.For, *((nodes.Macro,) if allowed is _calls_nothing else ()))
    for node in tree.find_all((nodes.Stmt, nodes.Call, nodes.Mul, nodes.Pow, nodes.Mod)):
        if isinstance(node, nodes.Call):
            refused = allowed(node)
        elif isinstance(node, statements) and not getattr(node, "recursive", False):
            refused = None
        else:
            refused = f"'{type(node).__name__.lower()}' is not available here"
        if refused:
            raise _fails(refused, "Write the SQL out.", _HARMLESS if allowed is _calls_nothing else _ROOM)
    if _depth(tree) > _NESTED:
        raise _fails(f"more than {_NESTED} loops stand inside each other", "Write the SQL out.")


def _depth(node: Any) -> int:
    deepest = max((_depth(child) for child in node.iter_child_nodes()), default=0)
    return deepest + (type(node).__name__ == "For")


def _fails(what: str, fix: str, why: str = _ROOM) -> BadExpression:
    return BadExpression("E403", f"The template fails: {what}.", why, fix)


def quote_identifier(name: object) -> str:
    """A ClickHouse identifier in backticks."""
    return "`" + str(name).replace("\\", "\\\\").replace("`", "\\`") + "`"


def quote_literal(value: object) -> str:
    """A ClickHouse literal: NULL for none, numbers and booleans as they are, everything else as a quoted string."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    return "'" + str(value).replace("\\", "\\\\").replace("'", "\\'") + "'"
