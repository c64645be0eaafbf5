"""Values packed by hand into PostgreSQL's binary format: whole columns as array parameters, whole rows for COPY.

psycopg's own array dumper costs about a microsecond an element; where forty thousand rows a second pass, that is half a
core. Give a packed array to a statement as `unnest(%(ids)s::bigint[])`: the cast must name the type packed here.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg.adapt import Buffer, Dumper
from psycopg.pq import Format

COPY_HEAD = b"PGCOPY\n\xff\r\n\0" + bytes(8)
COPY_TAIL = b"\xff\xff"
NULL = b"\xff\xff\xff\xff"
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
"""PostgreSQL counts microseconds from here."""
_UNIX_EPOCH_MICROS = 946_684_800_000_000
_length = struct.Struct(">i").pack
_array_head = struct.Struct(">iiIii").pack
_MICROSECOND = 1_000_000
_HEAD = 20  # bytes before an array's first element: dimensions, flags, type, length, lower bound
_dimension = struct.Struct(">i").unpack_from


class Packed(bytes):
    """A parameter already in PostgreSQL's binary format; the statement casts it to its type."""


class _PackedDumper(Dumper):
    format = Format.BINARY

    def dump(self, obj: Packed) -> Buffer:
        return obj


psycopg.adapters.register_dumper(Packed, _PackedDumper)


def micros(instant: datetime) -> int:
    """Microseconds since PostgreSQL's epoch."""
    gap = instant - EPOCH
    return (gap.days * 86_400 + gap.seconds) * _MICROSECOND + gap.microseconds


def from_micros(value: int) -> datetime:
    """The instant of `micros`."""
    seconds, rest = divmod(value + _UNIX_EPOCH_MICROS, _MICROSECOND)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest)


def _numbers(values: Sequence[int] | NDArray[np.int64], oid: int, kind: str, size: int) -> Packed:
    table = np.empty(len(values), dtype=[("n", ">i4"), ("v", kind)])
    table["n"] = size
    table["v"] = values
    return Packed(_array_head(1, 0, oid, len(values), 1) + table.tobytes())


def numbers_of(sent: bytes | None) -> NDArray[np.int64]:
    """The numbers, or instants as `micros`, of a column that came as `array_send(array_agg(…))`: one copy, no objects."""
    if not sent:
        return np.empty(0, dtype=np.int64)
    count, size = _dimension(sent, 12)[0], _dimension(sent, _HEAD)[0]
    table = np.frombuffer(sent, dtype=[("n", ">i4"), ("v", ">i8" if size == 8 else ">i4" if size == 4 else ">i2")], offset=_HEAD)
    assert len(table) == count, "a column with nulls"
    return table["v"].astype(np.int64)


def bigints(values: Sequence[int] | NDArray[np.int64]) -> Packed:
    """bigint[]"""
    return _numbers(values, 20, ">i8", 8)


def ints(values: Sequence[int] | NDArray[np.int64]) -> Packed:
    """int[]"""
    return _numbers(values, 23, ">i4", 4)


def instants(values: Sequence[int] | NDArray[np.int64]) -> Packed:
    """timestamptz[], from `micros`."""
    return _numbers(values, 1184, ">i8", 8)


def _strings(values: Sequence[bytes | None], oid: int, prefix: bytes = b"") -> Packed:
    extra = len(prefix)
    parts: list[bytes] = []
    nulls = 0
    for value in values:
        if value is None:
            nulls = 1
            parts.append(NULL)
        else:
            parts.append(_length(len(value) + extra))
            if extra:
                parts.append(prefix)
            parts.append(value)
    return Packed(_array_head(1, nulls, oid, len(values), 1) + b"".join(parts))


def texts(values: Sequence[str | None]) -> Packed:
    """text[]"""
    return _strings([None if v is None else v.encode() for v in values], 25)


def chosen(values: Sequence[str | None], which: NDArray[np.int64]) -> Packed:
    """text[] of many elements that are few different ones: ``which`` of the values each is."""
    table = [NULL if v is None else _length(len(one := v.encode())) + one for v in values]
    return Packed(_array_head(1, int(None in values), 25, len(which), 1) + b"".join([table[n] for n in which.tolist()]))


def byteas(values: Sequence[bytes | None]) -> Packed:
    """bytea[]"""
    return _strings(values, 17)


def jsonbs(values: Sequence[bytes | None]) -> Packed:
    """jsonb[], from JSON text."""
    return _strings(values, 3802, b"\x01")


def uuids(values: Sequence[bytes]) -> Packed:
    """uuid[], from 16 bytes each."""
    return Packed(_array_head(1, 0, 2950, len(values), 1) + b"".join([b"\0\0\0\x10" + v for v in values]))


def maybe_instants(values: Sequence[int | None]) -> Packed:
    """timestamptz[], from `micros`, None for null."""
    if None not in values:
        return instants([v for v in values if v is not None])
    eight = _length(8)
    parts = [NULL if v is None else eight + v.to_bytes(8, "big", signed=True) for v in values]
    return Packed(_array_head(1, 1, 1184, len(values), 1) + b"".join(parts))
