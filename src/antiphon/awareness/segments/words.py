"""Texts that conditions ask for by name, looked for together.

Of a text column the lake's files keep a dictionary, and a function of one column is asked once for each entry of it: the
place of a text among those some condition names, and the bits of the conditions that name it, cost no more for fifty
conditions than for one. (The texts of lists are looked for in ``listings``.)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from antiphon.awareness.events.properties import literal
from antiphon.awareness.segments.model import TraitColumn, TraitCondition
from antiphon.awareness.segments.ranges import width
from antiphon.awareness.segments.sql import identifier, operand


@dataclass(frozen=True)
class Words:
    """A condition that a text, or one of a list of texts, is one of some words."""

    column: str
    many: bool
    words: frozenset[str]


def words_of(node: TraitCondition, column: TraitColumn, now: datetime) -> Words | None:
    """Return a condition as words, None if it is none."""
    if column.type not in ("text", "text_list") or node.op not in ("is", "in"):
        return None
    asked = node.values if node.op == "in" else [node.value or ""]
    words = frozenset(str(operand(one, column.type, now)) for one in asked)
    return Words(identifier(column.column), column.type == "text_list", words) if words else None


def words_sql(asked: Sequence[Words]) -> str:
    """Return up to 64 conditions on one text column as one unsigned integer, the first the lowest bit."""
    words = sorted(frozenset().union(*(one.words for one in asked)))
    held = [sum(1 << i for i, one in enumerate(asked) if word in one.words) for word in words]
    kind, column = width(len(asked)), asked[0].column
    place = f"list_position([{', '.join(map(literal, words))}], {column})"
    return f"coalesce(([0, {', '.join(map(str, held))}]::{kind}[])[{place} + 1], 0::{kind})"
