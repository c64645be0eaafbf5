"""What travels over the lake's socket: an 8-byte length, then a msgpack array. Large results are column buffers, never rows;
they follow the message they belong to as they are, so that they are copied by the socket alone.

One connection carries one request at a time; between `begin` and `commit` it holds one lake transaction. A client that
closes its end stops its running statement and rolls its transaction back.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Literal, cast
from uuid import UUID

import msgspec
import numpy as np
from numpy.typing import NDArray

HEADER = struct.Struct(">Q")
IDS = "ids"  # the one column of a result of that shape
APART = 4096  # bytes from which on a buffer follows its message instead of being copied into it
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
    """A column: a buffer of `dtype` with a mask of its nulls, or plain values. A number stands for a buffer that follows."""

    dtype: str = ""
    data: bytes | int = b""
    mask: bytes | int = b""
    values: list[Any] | None = None


class Reply(msgspec.Struct, array_like=True):
    """One result a statement, or an error: its class's name, message and facts. `buffers` are the sizes of those that follow."""

    results: list[Any] = []
    error: str = ""
    message: str = ""
    buffers: list[int] = []


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
Buffer = bytes | memoryview


def frame(message: msgspec.Struct) -> bytes:
    """A message with its length in front."""
    body = ENCODER.encode(message)
    return HEADER.pack(len(body)) + body


def framed(reply: Reply) -> list[Buffer]:
    """A reply as it is sent, one part after the other: the message, and the buffers of its columns."""
    follow: list[Buffer] = []

    def apart(data: Any) -> Any:
        if len(data) < APART:
            return data
        follow.append(data)
        return len(follow) - 1

    for result in reply.results:
        for one in result.values() if isinstance(result, dict) else ():
            one.data, one.mask = apart(one.data), apart(one.mask)
    reply.buffers = [len(data) for data in follow]
    return [frame(reply), *follow]


def arrays(found: Mapping[str, list[Any]], buffers: Sequence[Any]) -> dict[str, NDArray[Any]]:
    """A result's columns as arrays, those that came apart put in their places."""
    made = {}
    for name, (dtype, data, mask, values) in found.items():
        data, mask = (buffers[one] if isinstance(one, int) else one for one in (data, mask))
        made[name] = array(Column(dtype, data, mask, values))
    return made


def column(array: Any) -> Column:
    """A numpy array (masked where null) as a column."""
    mask: Any = b""
    data: Any = array
    if isinstance(array, np.ma.MaskedArray):
        data = array.data
        mask = _bytes(np.ma.getmaskarray(array)) if array.mask is not np.ma.nomask else b""
    if data.dtype.kind in "OUS":
        values = [pack(v) for v in data.tolist()]
        if mask:
            values = [None if gone else v for v, gone in zip(values, np.frombuffer(mask, dtype=np.bool_), strict=True)]
        return Column(values=values)
    return Column(dtype=data.dtype.str, data=_bytes(data), mask=mask)


def _bytes(data: NDArray[Any]) -> Any:
    """An array's bytes where they are."""
    return np.ascontiguousarray(data).view(np.uint8).data


def array(packed: Column) -> NDArray[Any]:
    """A column as a numpy array: masked where null, of objects where it holds text."""
    if packed.values is not None:
        found = np.empty(len(packed.values), dtype=object)
        found[:] = packed.values
        return found
    mask, raw = cast("bytes", packed.mask), cast("bytes", packed.data)
    data = np.frombuffer(raw, dtype=np.dtype(packed.dtype))
    if len(mask):
        return np.ma.MaskedArray(data, mask=np.frombuffer(mask, dtype=np.bool_))
    return data
