"""Telling what became of people: the lines of a move as one path for each, as JSON, and as numbers on the arrows.

Most people of a chunk took one of a few ways with the same facts, so paths are made by ways, not by people.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import numpy as np

from antiphon.execution.journeys.contract import NEVER, Ints, Line
from antiphon.foundation.postgres.binary import from_micros

_INSTANTS = ("until",)
"""Facts that are instants in microseconds."""


@dataclass(frozen=True, slots=True)
class Paths:
    """``way``: for each person a place in ``texts`` (JSON lists of what was passed), 0 for those of whom there is nothing."""

    way: Ints
    texts: list[bytes]

    @property
    def told(self) -> Ints:
        """Places of those of whom there is something."""
        return np.flatnonzero(self.way)


def paths(lines: Sequence[Line], count: int) -> Paths:
    """The path of each of so many people."""
    way = np.zeros(count, dtype=np.int64)
    texts: list[bytes] = [b""]
    for line in lines:
        fragments, which = _fragments(line)
        before = way[line.places]
        pairs, inverse = np.unique(before * len(fragments) + which, return_inverse=True)
        fresh = []
        for pair in pairs.tolist():
            prior, fragment = divmod(pair, len(fragments))
            fresh.append(len(texts))
            texts.append(texts[prior] + b"," + fragments[fragment] if prior else fragments[fragment])
        way[line.places] = np.array(fresh, dtype=np.int64)[inverse]
    used, way = np.unique(way, return_inverse=True)
    kept = [b"[" + texts[one] + b"]" for one in used.tolist()]
    if not len(used) or used[0] != 0:
        return Paths(way + 1, [b"[]", *kept])
    return Paths(way, kept)


def counted(lines: Sequence[Line]) -> Counter[tuple[int, str, str]]:
    """How many went which way."""
    found: Counter[tuple[int, str, str]] = Counter()
    for line in lines:
        found[(line.step, line.did, line.how)] += len(line.places)
    return found


def _fragments(line: Line) -> tuple[list[bytes], Ints]:
    """The line as JSON in as many ways as there are, and which of them is whose."""
    count = len(line.places)
    shared: dict[str, Any] = {}
    own: list[tuple[str, list[bytes], Ints]] = []
    for name, value in line.facts.items():
        if not isinstance(value, np.ndarray | list):
            shared[name] = value
            continue
        texts, which = _values(name, value)
        if len(texts) == 1:
            shared[name] = msgspec.Raw(texts[0])
        else:
            own.append((name, texts, which))
    head = plain_json({"s": line.step, "d": line.did, "h": line.how})[:-1]
    if not own:
        return [head + (b',"w":' + plain_json(shared) if shared else b"") + b"}"], np.zeros(count, dtype=np.int64)
    key = np.zeros(count, dtype=np.int64)
    for _, texts, which in own:
        key = np.unique(key * len(texts) + which, return_inverse=True)[1]
    first = np.unique(key, return_index=True)[1]
    rest = plain_json(shared)[1:-1]
    fragments = []
    for place in first.tolist():
        facts = [plain_json(name) + b":" + texts[which[place]] for name, texts, which in own]
        fragments.append(head + b',"w":{' + b",".join([rest, *facts] if rest else facts) + b"}}")
    return fragments, key


def _values(name: str, value: Any) -> tuple[list[bytes], Ints]:
    """The values there are, as JSON, and which of them is whose."""
    if isinstance(value, np.ndarray):
        distinct, which = np.unique(value, return_inverse=True)
        plain = distinct.tolist()
        if name in _INSTANTS:
            plain = [None if one >= NEVER else from_micros(one) for one in plain]
        return [plain_json(one) for one in plain], which
    known: dict[bytes, int] = {}
    which = np.fromiter((known.setdefault(plain_json(one), len(known)) for one in value), dtype=np.int64, count=len(value))
    return list(known), which


def plain_json(value: Any) -> bytes:
    """JSON that PostgreSQL takes: it has no character of number zero."""
    text = msgspec.json.encode(value, enc_hook=_plain)
    return msgspec.json.encode(_without_zero(msgspec.json.decode(text))) if b"\\u0000" in text else text


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Mapping):
        return dict(value)
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _without_zero(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\0", "\ufffd")
    if isinstance(value, dict):
        return {_without_zero(key): _without_zero(one) for key, one in value.items()}
    return [_without_zero(one) for one in value] if isinstance(value, list) else value
