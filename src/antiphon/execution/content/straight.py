"""The straight way through a template: texts, values and conditions as plain functions, its links' places included.

Most templates are no more than that, and python-liquid spends most of its time on what they do not use: scopes, counters,
buffers, a node's own disabled tags. `straighten` makes such a template a row of texts and functions once; whatever it does not
know (loops, assignments, dates) it leaves to Liquid. The straight way never decides that something is wrong: where a rendering
fails or grows large it gives up, and Liquid renders anew and says why.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, cast

from liquid import RenderContext, escape
from liquid.ast import BlockNode, Node
from liquid.builtin.expressions import FilteredExpression, Path
from liquid.builtin.expressions.arguments import PositionalArgument
from liquid.builtin.expressions.logical import (
    BooleanExpression,
    ContainsExpression,
    EqExpression,
    GeExpression,
    GtExpression,
    LeExpression,
    LogicalAndExpression,
    LogicalOrExpression,
    LtExpression,
    NeExpression,
    _contains,
    _eq,
    _le,
    _lt,
    is_truthy,
)
from liquid.builtin.expressions.primitive import (
    Blank,
    Empty,
    FalseLiteral,
    FloatLiteral,
    IntegerLiteral,
    Nil,
    StringLiteral,
    TrueLiteral,
)
from liquid.builtin.tags.if_tag import IfNode
from liquid.expression import Expression
from liquid.stringify import to_liquid_string

from antiphon.execution.content.filters import MAX_TEXT
from antiphon.execution.content.liquid import MAX_OUTPUT, Liquid, TextNode, ValueNode

Names = Mapping[str, Any]
Places = Mapping[str, str]
"""What stands at each place of a link: by a static link's number, and `PICTURE`."""
Value = Callable[[Names], Any]
Piece = Callable[[Names, Places], str]



class Place(NamedTuple):
    """Where what stands at a place goes."""

    key: str


PICTURE = "P"
MOST_NODES = 5_000  # with no loops, the steps of a rendering are not more than a few times this
_SMALL = 1 << 63
MOST_OUTPUT = MAX_OUTPUT // 4  # a place may be longer than what is written there: Liquid counts anew what comes near

_SPECIAL = frozenset({"now", "today", "first", "last", "size"})  # roots and segments that are not only looked up
_LITERALS = (StringLiteral, IntegerLiteral, FloatLiteral, TrueLiteral, FalseLiteral, Nil, Empty, Blank)


class _Winding(Exception):
    """The template has something the straight way does not know."""


MARKUP = re.compile(r"""[&<>"']""").search  # to look costs a tenth of what `escape` does, and most values have none


class _Autoescape:
    """As much of a render context as a literal reads."""

    def __init__(self, html: bool) -> None:
        self.autoescape = html


class Straight:
    """A template as a row of texts and functions."""

    __slots__ = ("_write",)

    def __init__(self, row: Sequence[str | Place | Piece]) -> None:
        self._write = _writer(row)

    def write(self, names: Names, places: Places) -> str | None:
        """The rendered text with its links in their places; None leaves this rendering to Liquid."""
        try:
            text = self._write(names, places)
        except Exception:
            return None
        return text if len(text) <= MOST_OUTPUT else None


def _writer(row: Sequence[str | Place | Piece]) -> Piece:
    """One function that writes a row: its texts, those side by side made one, are copied as they stand, the rest filled in."""
    texts: list[str] = []
    places: list[tuple[int, str]] = []
    pieces: list[tuple[int, Piece]] = []
    plain = False  # whether the last one is a text
    for piece in row:
        if isinstance(piece, str):
            if plain:
                texts[-1] += piece
            elif piece:
                texts.append(piece)
            plain = plain or bool(piece)
            continue
        plain = False
        if isinstance(piece, Place):
            places.append((len(texts), piece.key))
        else:
            pieces.append((len(texts), piece))
        texts.append("")
    if not places and not pieces:
        text = "".join(texts)
        return lambda names, at: text

    def write(names: Names, at: Places) -> str:
        parts = texts.copy()
        for n, key in places:
            parts[n] = at[key]
        for n, piece in pieces:
            parts[n] = piece(names, at)
        return "".join(parts)

    return write


def straighten(template: Liquid, mark: str, *, html: bool) -> Straight | None:
    """The straight way through a template, if there is one. `mark` is what placeholders of links begin with."""
    try:
        return Straight(_Maker(template, mark, html).row(template.nodes))
    except _Winding:
        return None


class _Maker:
    def __init__(self, template: Liquid, mark: str, html: bool) -> None:
        self._env = template.env
        self._mark = mark
        self._place = re.compile(rf"{mark}(?:S(\d+)q|(P))")
        self._html = html
        self._nodes = 0

    def row(self, nodes: Sequence[Node]) -> list[str | Place | Piece]:
        row: list[str | Place | Piece] = []
        for node in nodes:
            self._nodes += 1
            if self._nodes > MOST_NODES:
                raise _Winding
            if type(node) is TextNode:
                row += self._text(node.text)
            elif type(node) is ValueNode:
                row.append(self._output(node.expression))
            elif type(node) is IfNode:
                row.append(self._if(node))
            else:
                raise _Winding
        return row

    def _text(self, text: str) -> list[str | Place | Piece]:
        if f"{self._mark}D" in text or f"{self._mark}E" in text:  # around an address that differs by person
            raise _Winding
        row: list[str | Place | Piece] = []
        at = 0
        for found in self._place.finditer(text):
            row += [text[at : found.start()], Place(found[1] or PICTURE)]
            at = found.end()
        return [*row, text[at:]]

    def _output(self, expression: Expression) -> Piece:
        value = self._value(expression)
        html = self._html

        def write(names: Names, _: Places) -> str:
            found = value(names)
            if type(found) is str:
                return escape(found) if html and MARKUP(found) else found
            return str(found) if type(found) is int else to_liquid_string(found, html)

        return write

    def _if(self, node: IfNode) -> Piece:
        ways = [(self._condition(node.condition), self._block(node.consequence))]
        ways += [(self._condition(other.expression), self._block(other.block)) for other in node.alternatives]
        otherwise = self._block(node.default) if node.default is not None else _nothing

        def write(names: Names, places: Places) -> str:
            for holds, block in ways:
                if holds(names):
                    return block(names, places)
            return otherwise(names, places)

        return write

    def _block(self, block: BlockNode) -> Piece:
        row = self.row(block.nodes)
        if block.blank and self._env.suppress_blank_control_flow_blocks:
            return _nothing
        return _writer(row)

    def _condition(self, expression: Expression) -> Callable[[Names], bool]:
        value = self._value(expression)

        def holds(names: Names) -> bool:
            found = value(names)
            if found is True or found is False:
                return found
            return True if type(found) is str or type(found) is int else is_truthy(found)

        return holds

    def _value(self, expression: Expression) -> Value:
        if isinstance(expression, BooleanExpression):
            return self._condition(expression.expression)
        if type(expression) is FilteredExpression:
            return self._filtered(expression)
        if type(expression) is Path:
            return self._path(expression)
        kind = type(expression)
        if kind in _LITERALS:
            literal = expression.evaluate(cast(RenderContext, _Autoescape(self._html)))
            return lambda names: literal
        if kind in _COMPARISONS:
            compared: Any = expression
            return _COMPARISONS[kind](self._value(compared.left), self._value(compared.right), compared.token)
        raise _Winding

    def _path(self, path: Path) -> Value:
        root, *rest = path.path
        if not isinstance(root, str) or root in _SPECIAL or any(type(s) is not str or s in _SPECIAL for s in rest):
            raise _Winding
        missing = self._env.undefined(root, token=path.token)
        if not rest:
            return lambda names: names.get(root, missing)

        def follow(names: Names) -> Any:
            found = names.get(root, missing)
            try:
                for segment in rest:
                    found = found[segment]
            except (KeyError, TypeError, IndexError):
                return missing
            return found

        return follow

    def _filtered(self, expression: FilteredExpression) -> Value:
        value = self._value(expression.left)
        for one in expression.filters or ():
            function = self._env.filters.get(one.name)
            if function is None or getattr(function, "with_context", False) or getattr(function, "with_environment", False):
                raise _Winding
            given = []
            for argument in one.args:
                if not isinstance(argument, PositionalArgument):
                    raise _Winding
                given.append(self._value(argument.value))
            fixed = len(given) == 1 and type(one.args[0].value) in _LITERALS
            value = _default(value, given[0], function) if fixed and one.name == "default" else _call(value, given, function)
        return value


def _nothing(names: Names, places: Places) -> str:
    return ""


def _call(value: Value, given: Sequence[Value], function: Callable[..., Any]) -> Value:
    if not given:
        return lambda names: function(value(names))
    return lambda names: function(value(names), *[one(names) for one in given])


def _default(value: Value, given: Value, function: Callable[..., Any]) -> Value:
    """The filter every other value has: a text that is there, or a number, is itself, unless it is too large."""

    def choose(names: Names) -> Any:
        found = value(names)
        if (type(found) is str and 0 < len(found) <= MAX_TEXT) or (type(found) is int and -_SMALL < found < _SMALL):
            return found
        return function(found, given(names))

    return choose


def _same(left: Any, right: Any) -> bool:
    if isinstance(left, str) and isinstance(right, str):
        return left == right
    return _eq(left, right)


def _less(token: Any, left: Any, right: Any) -> bool:
    return left < right if type(left) is int and type(right) is int else _lt(token, left, right)


def _most(left: Any, right: Any) -> bool:
    return left <= right if type(left) is int and type(right) is int else _le(left, right)


_COMPARISONS: Mapping[type[Expression], Callable[[Value, Value, Any], Value]] = {
    EqExpression: lambda left, right, _: lambda names: _same(left(names), right(names)),
    NeExpression: lambda left, right, _: lambda names: not _same(left(names), right(names)),
    LtExpression: lambda left, right, token: lambda names: _less(token, left(names), right(names)),
    GtExpression: lambda left, right, token: lambda names: _less(token, right(names), left(names)),
    LeExpression: lambda left, right, _: lambda names: _most(left(names), right(names)),
    GeExpression: lambda left, right, _: lambda names: _most(right(names), left(names)),
    ContainsExpression: lambda left, right, token: lambda names: _contains(token, left(names), right(names)),
    LogicalAndExpression: lambda left, right, _: lambda names: is_truthy(left(names)) and is_truthy(right(names)),
    LogicalOrExpression: lambda left, right, _: lambda names: is_truthy(left(names)) or is_truthy(right(names)),
}
