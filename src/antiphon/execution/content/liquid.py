"""Liquid, fenced in: no Python internals, no other files, no network, no endless loops, no unbounded text.

Values are plain JSON; a path only ever indexes mappings and lists, so attributes of Python objects are out of reach.
Work is counted in steps, not seconds, so that the same template gives the same result on any machine.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import wraps
from typing import Any, TextIO, cast

from liquid import BoundTemplate, Environment, Mode, RenderContext, escape
from liquid.builtin.content import ContentNode, Literal
from liquid.builtin.output import Output, OutputNode
from liquid.exceptions import LiquidError, ResourceLimitError
from liquid.stringify import to_liquid_string
from liquid.utils import ReadOnlyChainMap

from antiphon.execution.content.errors import RenderFailed, RenderLimit, TemplateInvalid
from antiphon.execution.content.filters import FILTERS, TooLong, checked
from antiphon.execution.content.model import MAX_SOURCE

MAX_STEPS = 100_000  # nodes visited in one rendering
MAX_ITERATIONS = 10_000  # turns of all loops of one rendering together
MAX_OUTPUT = 1_000_000  # characters
MAX_LOCALS = 1_000_000  # bytes held in variables of the template

_OUTPUT = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_NOW = "\0now"
_REMOVED_TAGS = ("include", "render")  # they name other templates
_REMOVED_FILTERS = ("escapejs",)


class _Limit(ResourceLimitError):
    """A rendering went over one of the limits above."""


class _Sheet:
    """What a template writes to: a list of pieces, and how long they are together."""

    __slots__ = ("pieces", "size")

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.size = 0

    def write(self, text: str) -> int:
        self.size += len(text)
        if self.size > MAX_OUTPUT:
            raise _Limit(f"more than {MAX_OUTPUT:,} characters of output", token=None)
        self.pieces.append(text)
        return len(text)

    def getvalue(self) -> str:
        return "".join(self.pieces)


class _Context(RenderContext):
    """A render context that counts steps and loop turns, and knows business time only."""

    __slots__ = ("_disabled", "iterations", "steps")

    def __init__(self, template: BoundTemplate, **more: Any) -> None:
        self.steps = 0
        self.iterations = 0
        super().__init__(template, **more)
        now = self.globals.get(_NOW)
        clock = {"now": now, "today": now} if now is not None else {}
        self.scope = ReadOnlyChainMap(self.locals, self.globals, clock, self.counters)

    def step(self) -> None:
        """Count one node."""
        self.steps += 1
        if self.steps > MAX_STEPS:
            raise _Limit(f"more than {MAX_STEPS:,} steps", token=None)

    @property
    def disabled_tags(self) -> list[str]:
        """Read once for each node rendered, which is what makes it the place to count steps."""
        self.step()
        return self._disabled

    @disabled_tags.setter
    def disabled_tags(self, names: list[str]) -> None:
        self._disabled = names

    def raise_for_loop_limit(self, length: int = 1) -> None:
        self.iterations += length
        if self.iterations > MAX_ITERATIONS:
            raise _Limit(f"loops of more than {MAX_ITERATIONS:,} turns", token=None)

    def get_buffer(self, buf: TextIO | None = None) -> Any:
        return _Sheet()


class Liquid(BoundTemplate):
    """A parsed template. `write` renders it."""

    context_class = _Context

    def write(self, values: Mapping[str, Any]) -> str:
        """Render with plain JSON values. Raises `RenderFailed`, and `RenderLimit` when it was stopped."""
        sheet = _Sheet()
        buffer = cast(TextIO, sheet)
        context = _Context(self, globals=values)
        try:
            for node in self.nodes:
                node.render(context, buffer)
        except (ResourceLimitError, TooLong) as stopped:
            raise RenderLimit(why=str(stopped)) from stopped
        except RecursionError as stopped:
            raise RenderLimit(why="nested too deeply") from stopped
        except LiquidError as failed:
            raise RenderFailed(why=_sentence(failed)) from failed
        except (ValueError, TypeError, ArithmeticError, LookupError) as failed:
            raise RenderFailed(why=str(failed) or type(failed).__name__) from failed
        except Exception as odd:  # interrupts such as a stray `break` are not LiquidErrors
            raise RenderFailed(why=f"unexpected {odd}") from odd
        return sheet.getvalue()


class TextNode(ContentNode):
    """Text between Liquid; most of a template, so it goes the shortest way."""

    def render(self, context: RenderContext, buffer: TextIO) -> int:
        context.step()  # type: ignore[attr-defined]
        return buffer.write(self.text)


class ValueNode(OutputNode):
    """``{{ … }}``: text is by far the most common value, and needs no more than escaping."""

    def render(self, context: RenderContext, buffer: TextIO) -> int:
        context.step()  # type: ignore[attr-defined]
        value = self.expression.evaluate(context)
        if isinstance(value, str):
            return buffer.write(escape(value) if context.autoescape else value)
        return buffer.write(to_liquid_string(value, context.autoescape))


class _TextTag(Literal):
    node_class = TextNode


class _ValueTag(Output):
    node_class = ValueNode


class _Environment(Environment):
    template_class = Liquid
    context_depth_limit = 30
    block_nesting_limit = 60
    local_namespace_limit = MAX_LOCALS
    loop_iteration_limit = MAX_ITERATIONS

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        super().setup_tags_and_filters(extra=False)
        self.add_tag(_TextTag)
        self.add_tag(_ValueTag)
        for tag in _REMOVED_TAGS:
            del self.tags[tag]
        for name in _REMOVED_FILTERS:
            del self.filters[name]
        self.filters.update(FILTERS)
        for name, function in self.filters.items():
            self.filters[name] = _guarded(name, function)


def _guarded(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Refuse too large a value before a filter works on it, and too large a result after."""

    @wraps(function)
    def call(left: Any, *args: Any, **named: Any) -> Any:
        checked(name, left, args)
        result = function(left, *args, **named)
        checked(name, result, ())
        return result

    return call


_HTML = _Environment(tolerance=Mode.STRICT, autoescape=True)
_TEXT = _Environment(tolerance=Mode.STRICT, autoescape=False)


def parse(source: str, *, html: bool, part: str) -> Liquid:
    """Parse Liquid. In HTML every value is escaped as it is written. Raises `TemplateInvalid` with part and line."""
    if len(source) > MAX_SOURCE:
        raise TemplateInvalid(f"longer than {MAX_SOURCE:,} characters", part=part)
    try:
        template = (_HTML if html else _TEXT).from_string(source)
    except RecursionError as deep:
        raise TemplateInvalid("nested too deeply", part=part) from deep
    except LiquidError as failed:
        raise TemplateInvalid(_sentence(failed), part=part, line=line_of(failed) or _line_of(source)) from failed
    assert isinstance(template, Liquid)
    return template


def values(traits: Mapping[str, Any], extra: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """The names a template sees: each trait by its name, all of them as ``profile``, and what the caller adds."""
    return {**traits, "profile": traits, **extra, _NOW: now}


def line_of(failed: LiquidError) -> int | None:
    """The line, from 1, at which Liquid stumbled, if it says."""
    try:
        context = failed.context()
    except (AttributeError, ValueError, IndexError):
        return None
    return context[0] if context else None


def _line_of(source: str) -> int:
    """Where Liquid does not say: the first output that is wrong by itself, else the end, where something is unclosed."""
    for found in _OUTPUT.finditer(source):
        try:
            _TEXT.from_string(found[0])
        except LiquidError:
            return source[: found.start()].count("\n") + 1
    return source.count("\n") + 1


def _sentence(failed: LiquidError) -> str:
    return str(failed.args[0]) if failed.args else type(failed).__name__
