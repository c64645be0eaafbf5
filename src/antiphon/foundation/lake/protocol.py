"""What travels over the lake's socket: an 8-byte length, then a msgpack array. Large results are column buffers, never rows.

One connection carries one request at a time; between `begin` and `commit` it holds one lake transaction. A client that
closes its end stops its running statement and rolls its transaction back.
"""

from __future__ import annotations

import struct
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

import msgspec
import numpy as np
from numpy.typing import NDArray

HEADER = struct.Struct(">Q")
Params = list[Any] | dict[str, Any] | None
Shape = Literal["rows", "ids", "columns", "none"]


class Statement(msgspec.Struct, array_like=True):
    """One statement, its parameters ($1… or $name), and the shape its result is wanted in."""

    sql: str
    params: Any = None
    shape: Shape = "none"


class Request(msgspec.Struct, array_like=True):
    """Statements to run: together in one transaction (`run`), or inside the one this connection holds."""

    op: Literal["run", "begin", "commit", "rollback"]
    statements: list[Statement] = []
    timeout: float = 60.0
    variables: list[tuple[str, str]] = []
    tables: dict[str, dict[str, Column]] = {}


class Column(msgspec.Struct, array_like=True):
    """A column: a buffer of `dtype` with a mask of its nulls, or plain values."""

    dtype: str = ""
    data: bytes = b""
    mask: bytes = b""
    values: list[Any] | None = None


class Reply(msgspec.Struct, array_like=True):
    """One result a statement, or an error: its class's name, message and facts."""

    results: list[Any] = []
    error: str = ""
    message: str = ""


# msgpack has no decimals, dates, times, durations, naive instants or UUIDs: each is an extension, so that types survive.
_DECIMAL, _DATE, _NAIVE, _DELTA, _UUID, _TIME, _BIG = 1, 2, 3, 4, 5, 6, 7


def pack(value: Any) -> Any:
    """`value` with what msgpack cannot carry turned into extensions."""
    match value:
        case None | bool() | str() | float() | bytes():
            return value
        case int():
            return value if -(2**63) <= value < 2**64 else msgspec.msgpack.Ext(_BIG, str(value).encode())
        case Decimal():
            return msgspec.msgpack.Ext(_DECIMAL, str(value).encode())
        case datetime():
            return value if value.tzinfo else msgspec.msgpack.Ext(_NAIVE, value.isoformat().encode())
        case date():
            return msgspec.msgpack.Ext(_DATE, value.isoformat().encode())
        case timedelta():
            return msgspec.msgpack.Ext(_DELTA, repr(value.total_seconds()).encode())
        case time():
            return msgspec.msgpack.Ext(_TIME, value.isoformat().encode())
        case UUID():
            return msgspec.msgpack.Ext(_UUID, value.bytes)
        case dict():
            return {str(k): pack(v) for k, v in value.items()}
        case list() | tuple():
            return [pack(v) for v in value]
        case np.generic():
            return value.item()
        case np.ndarray():
            return [pack(v) for v in value.tolist()]
        case _:
            return str(value)


def _unpack(code: int, data: memoryview) -> Any:
    raw = bytes(data)
    match code:
        case 1:
            return Decimal(raw.decode())
        case 2:
            return date.fromisoformat(raw.decode())
        case 3:
            return datetime.fromisoformat(raw.decode())
        case 4:
            return timedelta(seconds=float(raw))
        case 5:
            return UUID(bytes=raw)
        case 6:
            return time.fromisoformat(raw.decode())
        case 7:
            return int(raw)
    raise ValueError(f"unknown extension {code}")


ENCODER = msgspec.msgpack.Encoder()
REQUESTS = msgspec.msgpack.Decoder(Request, ext_hook=_unpack)
REPLIES = msgspec.msgpack.Decoder(Reply, ext_hook=_unpack)


def frame(message: msgspec.Struct) -> bytes:
    """A message with its length in front."""
    body = ENCODER.encode(message)
    return HEADER.pack(len(body)) + body


def column(array: Any) -> Column:
    """A numpy array (masked where null) as a column."""
    mask = b""
    data: Any = array
    if isinstance(array, np.ma.MaskedArray):
        data = array.data
        mask = np.ma.getmaskarray(array).tobytes() if array.mask is not np.ma.nomask else b""
    if data.dtype.kind in "OUS":
        values = [pack(v) for v in data.tolist()]
        if mask:
            values = [None if gone else v for v, gone in zip(values, np.frombuffer(mask, dtype=bool), strict=True)]
        return Column(values=values)
    return Column(dtype=data.dtype.str, data=np.ascontiguousarray(data).tobytes(), mask=mask)


def array(packed: Column) -> NDArray[Any]:
    """A column as a numpy array: masked where null, of objects where it holds text."""
    if packed.values is not None:
        found = np.empty(len(packed.values), dtype=object)
        found[:] = packed.values
        return found
    data = np.frombuffer(packed.data, dtype=np.dtype(packed.dtype))
    if packed.mask:
        return np.ma.MaskedArray(data, mask=np.frombuffer(packed.mask, dtype=bool))
    return data
