"""Arrays of ids and of marks to Roaring bitmaps, and bitmaps to bytes."""

import struct
from array import array
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

Marks = NDArray[np.bool_]
"""For each id from 0 whether it is in the set."""

DENSE = 64
"""Mark ids instead of sorting them when they fill at least 1 in this many places."""
_CONTAINER, _FEW, _COOKIE = 1 << 16, 4096, 12346


def bitmap(ids: NDArray[Any]) -> BitMap:
    """Return the set of ``ids``, which may be in any order.

    Roaring is built from sorted ids; marking sorts a dense set many times faster than sorting.
    """
    if not len(ids):
        return BitMap()
    ids = ids.astype(np.uint32, copy=False)
    top = int(ids.max())
    if top < DENSE * len(ids):
        marks = np.zeros(top + 1, dtype=np.bool_)
        marks[ids] = True
        return marked(marks)
    return BitMap(array("I", np.sort(ids).tobytes()))


def marked(marks: Marks) -> BitMap:
    """Return the set of the ids that are marked.

    Written in Roaring's portable format (https://github.com/RoaringBitmap/RoaringFormatSpec), of which the bits of a full
    container are the marks themselves: ten times as fast as telling it the ids one by one.
    """
    packed = np.packbits(marks, bitorder="little")
    packed = np.concatenate([packed, np.zeros(-len(packed) % (_CONTAINER // 8), dtype=np.uint8)])
    counts = np.bitwise_count(packed.view(np.uint64)).reshape(-1, _CONTAINER // 64).sum(axis=1, dtype=np.int64).tolist()
    parts, keys, sizes = [], [], []
    for key, count in enumerate(counts):
        if count:
            if count > _FEW:
                parts.append(packed[key * _CONTAINER // 8 : (key + 1) * _CONTAINER // 8].tobytes())
            else:
                inside = np.flatnonzero(marks[key * _CONTAINER : (key + 1) * _CONTAINER])
                parts.append(inside.astype("<u2").tobytes())
            keys += [key, count - 1]
            sizes.append(len(parts[-1]))
    head = struct.pack("<II", _COOKIE, len(parts)) + np.array(keys, dtype="<u2").tobytes()
    offsets = np.cumsum([len(head) + 4 * len(parts), *sizes], dtype=np.uint32)[:-1]
    return BitMap.deserialize(b"".join([head, offsets.astype("<u4").tobytes(), *parts]))


def bitmaps(ids: NDArray[Any], columns: Sequence[tuple[NDArray[Any], int]]) -> list[BitMap]:
    """Return one set for each bit: of each column of unsigned integers so many of the lowest, which say where it is set."""
    if len(ids) and (top := int(ids.max())) < DENSE * len(ids):
        found = []
        for bits, share in columns:
            spread = np.zeros(top + 1, dtype=bits.dtype)
            spread[ids] = bits
            found += [marked(held) for held in _planes(spread, share)]
        return found
    return [bitmap(ids[held]) for bits, share in columns for held in _planes(bits, share)]


def _planes(bits: NDArray[Any], leaves: int) -> Iterator[Marks]:
    """Yield where each bit is set, lowest first; a byte at a time, since eight bits are asked of each."""
    split = bits.view(np.uint8).reshape(-1, bits.dtype.itemsize)
    for first in range(0, leaves, 8):
        byte = np.ascontiguousarray(split[:, first // 8])
        for bit in range(min(8, leaves - first)):
            yield (byte & np.uint8(1 << bit)) != 0


def encode(ids: BitMap) -> bytes:
    """Return the portable serialised form, runs compressed."""
    ids = ids.copy()
    ids.run_optimize()
    return bytes(ids.serialize())


def decode(data: bytes | memoryview) -> BitMap:
    """Return the set that ``encode`` wrote."""
    return BitMap.deserialize(bytes(data))
