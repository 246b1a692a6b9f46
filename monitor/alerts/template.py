"""The user's own words for a message: Jinja2 over plain dicts, in a sandbox with narrow bounds. Pure.

What a template may do is a list of what is harmless, not of what is forbidden: output, `if`, `for`, `set`, comparisons,
joining texts, and the filters of `FILTERS`. There is no call, no multiplication, no macro, no import; so the work is at
most that of loops over what there is. Each filter, each joined text and each loop pays for the length of what it takes
and gives, and the text may grow so long and no longer: a template ends, soon, whatever it says.

Names that there are not are faults and not silence. Text of a feed has been through the doors of `monitor.alerts.safe`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sized
from dataclasses import dataclass
from typing import Any, Literal

from jinja2 import StrictUndefined, Undefined, meta, nodes, pass_context, pass_eval_context
from jinja2.exceptions import TemplateAssertionError
from jinja2.exceptions import TemplateError as JinjaError
from jinja2.filters import FILTERS as JINJA_FILTERS
from jinja2.filters import do_join, do_replace
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from monitor.tomlfile import did_you_mean

OUTPUT_LIMIT = 1_000_000
"""Characters that a template may come to; those that it works with in between have the same limit."""
WORK_LIMIT = 10_000_000
"""Characters and items that its filters, joins and loops may handle, together: about a second at the very worst."""
SOURCE_LIMIT = 50_000
"""Characters of a template."""

Kind = Literal["text", "html", "json"]


class TemplateError(ValueError):
    """What is wrong with a template, in a line: where, what, and what would be right."""


class EmptyError(TemplateError):
    """It has nothing to say of this message."""


# ---------------------------------------------------------------------------------------------------- what it may hold

_ALLOWED = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.For, nodes.If, nodes.Assign,
    nodes.Name, nodes.Const, nodes.List, nodes.Tuple, nodes.Getattr, nodes.Getitem, nodes.Slice,
    nodes.CondExpr, nodes.And, nodes.Or, nodes.Not, nodes.Compare, nodes.Operand, nodes.Neg,
    nodes.Concat, nodes.Add, nodes.Sub, nodes.Filter, nodes.Test, nodes.Keyword,
)  # fmt: skip
_INSTEAD: Mapping[type[nodes.Node], str] = {
    nodes.Call: "calls are not available, as in x.upper() or range(3); there are filters: x|upper",
    nodes.Mul: "* is not available",
    nodes.Mod: "% is not available; there is the test: n is divisibleby 2",
    nodes.FilterBlock: "{% filter %} is not available; put the filter behind each value: x|upper",
    nodes.AssignBlock: "{% set %} needs a value: {% set x = … %}",
}


@pass_eval_context
def _replace(context: nodes.EvalContext, text: str, old: str, new: str) -> str:
    """`text` with `new` for each `old`."""
    _bound(len(text) + text.count(old) * len(new))
    return do_replace(context, text, old, new)


@pass_eval_context
def _join(context: nodes.EvalContext, value: Any, d: str = "", attribute: str | int | None = None) -> str:
    """The items with `d` between them."""
    items = list(value)
    _bound(len(items) * len(d))
    joined: str = do_join(context, items, d, attribute)
    return joined


def _tojson(value: Any) -> str:
    """`value` as JSON, quotes included."""
    return json.dumps(value, ensure_ascii=False)


@pass_context
def _metered(context: Context, value: Any) -> Any:
    """`value`, paid for; what comes one after the other as a list, so that it has a length."""
    if isinstance(value, Undefined):
        return value
    if isinstance(value, Iterator):
        value = list(value)
    meter: _Meter = context[_METER]
    meter.charge(len(value) if isinstance(value, Sized) else 1)
    return value


def _bound(length: int) -> None:
    if length > OUTPUT_LIMIT:
        raise TemplateError(f"a text grows longer than {OUTPUT_LIMIT:,} characters")


_PLAIN_FILTERS = (
    "capitalize", "count", "default", "e", "escape", "first", "groupby", "int", "last", "length", "list", "lower",
    "map", "reject", "rejectattr", "reverse", "select", "selectattr", "sort", "string", "title", "trim", "truncate",
    "unique", "upper", "urlencode",
)  # fmt: skip
FILTERS: Mapping[str, Any] = {
    **{name: JINJA_FILTERS[name] for name in _PLAIN_FILTERS},
    "join": _join,
    "replace": _replace,
    "tojson": _tojson,
}
"""Those that there are, by name. None can make much of little, and none takes text of a feed for HTML."""

_METER = "_meter"


@dataclass(slots=True)
class _Meter:
    left: int = WORK_LIMIT

    def charge(self, length: int) -> None:
        _bound(length)
        self.left -= 1 + length
        if self.left < 0:
            raise TemplateError("it does too much; its loops go over too many things")


class _Metering(NodeTransformer):
    """Puts the meter before and behind whatever handles much at once; its methods have the names of jinja2's nodes."""

    def __init__(self, environment: ImmutableSandboxedEnvironment) -> None:
        self._environment = environment

    def visit_Filter(self, node: nodes.Filter) -> Any:  # noqa: N802
        self.generic_visit(node)
        node.node = self._paid(node.node)
        return self._paid(node)

    def visit_Concat(self, node: nodes.Concat) -> Any:  # noqa: N802
        return self._paid(self.generic_visit(node))

    def visit_Add(self, node: nodes.Add) -> Any:  # noqa: N802
        return self._paid(self.generic_visit(node))

    def visit_For(self, node: nodes.For) -> Any:  # noqa: N802
        self.generic_visit(node)
        node.iter = self._paid(node.iter)
        return node

    def _paid(self, node: Any) -> Any:
        paid = nodes.Filter(node, "_metered", [], [], None, None, lineno=node.lineno)
        return paid.set_environment(self._environment)


class _Missing(StrictUndefined):
    """A name that there is not, told with those that there are."""

    __slots__ = ()

    @property
    def _undefined_message(self) -> str:
        owner, name = self._undefined_obj, self._undefined_name
        if isinstance(owner, Mapping) and name is not None:
            return _no_such(str(name), [str(key) for key in owner])
        return self._undefined_hint or f"there is no {'' if isinstance(name, str) else 'item '}{name!r}"


def _no_such(name: str, known: list[str]) -> str:
    hint = did_you_mean(name, known)
    return f"there is no {name!r}{f'; {hint}' if hint else '.'} There is: {', '.join(sorted(known))}"


def _environment(kind: Kind) -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        autoescape=kind == "html",
        undefined=_Missing,
        optimized=False,  # it would do at load, and without the meter, what the template does with constants
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
    )
    environment.filters.clear()
    environment.filters.update(FILTERS, _metered=_metered)
    environment.globals.clear()
    return environment


# ------------------------------------------------------------------------------------------------------------ templates


class Template:
    """A template, read and checked; `names` are those that there will be when it is rendered.

    Raises:
        TemplateError: It can not be read, holds what no template may, or a name that there is not.
    """

    def __init__(self, source: str, *, names: frozenset[str], kind: Kind = "text") -> None:
        self.kind = kind
        if len(source) > SOURCE_LIMIT:
            raise TemplateError(f"is longer than {SOURCE_LIMIT:,} characters")
        environment = _environment(kind)
        try:
            tree = environment.parse(source)
            _check(tree, names)
            _Metering(environment).visit(tree)
            self._template = environment.from_string(tree)
        except TemplateAssertionError as error:
            raise TemplateError(f"line {error.lineno}: {_assertion(str(error.message))}") from None
        except JinjaError as error:
            line = getattr(error, "lineno", None)
            raise TemplateError(f"line {line}: {error.message}" if line else str(error.message)) from None
        except (RecursionError, SyntaxError):
            raise TemplateError("is nested too deeply") from None

    def render(self, facts: Mapping[str, Any]) -> str:
        """The text.

        Raises:
            TemplateError: Whatever went wrong; the template then has no text.
        """
        pieces: list[str] = []
        length = 0
        try:
            for piece in self._template.generate({**facts, _METER: _Meter()}):
                pieces.append(piece)
                _bound(length := length + len(piece))
        except Exception as error:  # noqa: BLE001 -- whatever a template does, the alert goes out without it
            raise TemplateError(_told(error)) from None
        text = "".join(pieces)
        if not text.strip():
            raise EmptyError("comes to nothing")
        if self.kind == "json":
            _is_json(text)
        return text


def _check(tree: nodes.Template, names: frozenset[str]) -> None:
    """Nothing in it but what is allowed, and no name but those that there are or that it sets itself."""
    for node in tree.find_all(nodes.Node):
        if isinstance(node, nodes.For) and node.recursive:
            raise TemplateError(f"line {node.lineno}: 'recursive' is not available")
        if not isinstance(node, _ALLOWED):
            told = _INSTEAD.get(type(node), f"{type(node).__name__.lower()} is not available")
            raise TemplateError(f"line {node.lineno}: {told}")
        if isinstance(node, nodes.Name) and node.name.startswith("_"):
            raise TemplateError(f"line {node.lineno}: no name begins with an underscore")
    unknown = (meta.find_undeclared_variables(tree) - names) | {"self"}
    for node in tree.find_all(nodes.Name):
        if node.name in unknown:
            raise TemplateError(f"line {node.lineno}: {_no_such(node.name, list(names))}")


def _assertion(message: str) -> str:
    if message.startswith("No filter named"):
        return f"{message.rstrip('.')}; the filters are: {', '.join(sorted(FILTERS))}"
    return message


def _told(error: Exception) -> str:
    """What went wrong while it was rendered, and in which of its lines."""
    line, at = 0, error.__traceback__
    while at is not None:
        if at.tb_frame.f_code.co_filename == "<template>":
            line = at.tb_lineno
        at = at.tb_next
    known = isinstance(error, (TemplateError, JinjaError))
    message = str(error) if known else f"{type(error).__name__}: {error}"
    return f"line {line}: {message}" if line else message


def _is_json(text: str) -> None:
    try:
        json.loads(text)
    except ValueError as error:
        raise TemplateError(f"does not come to JSON: {error}; write values as {{{{ value|tojson }}}}") from None
