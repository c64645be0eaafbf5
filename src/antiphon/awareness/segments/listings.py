"""Conditions on the texts of a list, asked together.

Asked one by one each looks through everybody's list. Here each text of a list is looked up once among the words that some
condition names, and gives a row for each condition it answers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from antiphon.awareness.events.properties import literal
from antiphon.awareness.segments.bitmaps import bitmap
from antiphon.awareness.segments.ranges import Range
from antiphon.awareness.segments.scans import BITS, Question, Tables, trait_scan
from antiphon.awareness.segments.tallies import ROWS
from antiphon.awareness.segments.words import Words


@dataclass(frozen=True)
class Listing:
    """One question for many conditions on the texts of one list, and how to read its answer."""

    sql: str
    leaves: tuple[int, ...]
    otherwise: tuple[Question, ...]

    def sets(self, answer: Mapping[str, NDArray[Any]]) -> list[BitMap] | None:
        """Return one set for each leaf; None when the answer does not do and ``otherwise`` is to be asked."""
        ids, asked = np.asarray(answer["profile_id"]), np.asarray(answer["asked"])
        if len(ids) > ROWS:
            return None
        ids = ids[np.argsort(asked, kind="stable")]
        ends = np.cumsum(np.bincount(asked, minlength=len(self.leaves)))
        return [bitmap(some) for some in np.split(ids, ends[:-1])]


def listings(
    leaves: Sequence[tuple[int, str]], shared: Mapping[int, Range | Words], tables: Tables
) -> tuple[list[Listing], list[tuple[int, str]]]:
    """Return questions for the conditions on the texts of lists, where there are several of one, and the leaves that are left."""
    columns: dict[str, list[tuple[int, str]]] = {}
    words = {leaf: one for leaf, one in shared.items() if isinstance(one, Words) and one.many}
    for leaf in leaves:
        if leaf[0] in words:
            columns.setdefault(words[leaf[0]].column, []).append(leaf)
    parts = [some[i : i + BITS] for some in columns.values() if len(some) > 1 for i in range(0, len(some), BITS)]
    asked = [listing(part, words, tables) for part in parts]
    done = {leaf for one in asked for leaf in one.leaves}
    return asked, [one for one in leaves if one[0] not in done]


def listing(leaves: Sequence[tuple[int, str]], words: Mapping[int, Words], tables: Tables) -> Listing:
    """Ask for a row for each text of a person's list that answers a condition; if these are too many, as a scan does."""
    asked = [words[leaf] for leaf, _ in leaves]
    pairs = ", ".join(f"({literal(word)}, {i}::utinyint)" for i, one in enumerate(asked) for word in sorted(one.words))
    texts = f"select profile_id, unnest({asked[0].column}) as word from {tables.profile}"
    sql = (
        f"select t.profile_id::uinteger as profile_id, w.asked from ({texts}) t "
        f"join (values {pairs}) w (word, asked) on w.word = t.word limit {ROWS + 1}"
    )
    return Listing(sql, tuple(leaf for leaf, _ in leaves), (trait_scan(leaves, tables),))
