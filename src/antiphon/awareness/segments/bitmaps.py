"""Arrays of ids and of marks to Roaring bitmaps, and bitmaps to bytes."""

import struct
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

Marks = NDArray[np.bool_]
"""For each id from 0 whether it is in the set."""

DENSE = 12
"""Mark ids instead of sorting them when they fill at least 1 in this many places: so dense, containers hold bits."""
SPREAD = 64
"""Spread bits over all ids when these fill at least 1 in this many places."""
RUN = 32
"""Copy runs of neighbouring ids when they are so long on average."""
_CONTAINER, _FEW, _COOKIE = 1 << 16, 4096, 12346


def bitmap(ids: NDArray[Any]) -> BitMap:
    """Return the set of ``ids``, which may be in any order and repeated."""
    if not len(ids):
        return BitMap()
    ids = ids.astype(np.uint32, copy=False)
    top = int(ids.max())
    if top < DENSE * len(ids):
        marks = np.zeros(top + 1, dtype=np.bool_)
        marks[ids] = True
        return marked(marks)
    return ascending(_once(np.sort(ids)))


def ascending(ids: NDArray[Any]) -> BitMap:
    """Return the set of ``ids``, ascending and each once.

    Written in Roaring's portable format (https://github.com/RoaringBitmap/RoaringFormatSpec), of which the numbers of a
    sparse container are the lower halves of the ids: several times as fast as telling it the ids one by one.
    """
    if not len(ids):
        return BitMap()
    ids = ids.astype(np.uint32, copy=False)
    first, last = int(ids[0]) // _CONTAINER, int(ids[-1]) // _CONTAINER
    begins = (np.arange(first, last + 1, dtype=np.uint32) * np.uint32(_CONTAINER)).astype(np.uint32)
    edges = [*np.searchsorted(ids, begins).tolist(), len(ids)]
    lower = ids.astype("<u2")
    containers = []
    for i, (begin, end) in enumerate(pairwise(edges)):
        if end - begin > _FEW:
            marks = np.zeros(_CONTAINER, dtype=np.bool_)
            marks[lower[begin:end]] = True
            containers.append((first + i, end - begin, np.packbits(marks, bitorder="little").tobytes()))
        elif end > begin:
            containers.append((first + i, end - begin, lower[begin:end].tobytes()))
    return _written(containers)


def marked(marks: Marks) -> BitMap:
    """Return the set of the ids that are marked."""
    bits = np.packbits(marks, bitorder="little")
    counts = _counts(bits)
    return ascending(np.flatnonzero(marks)) if sum(counts) * DENSE < len(marks) else _packed(bits, counts)


def packed(bits: NDArray[np.uint8]) -> BitMap:
    """Return the set of the ids whose bit is set, the first the lowest bit of the first byte."""
    counts = _counts(bits)
    if sum(counts) * DENSE < len(bits) * 8:
        return ascending(np.flatnonzero(np.unpackbits(bits, bitorder="little").view(np.bool_)))
    return _packed(bits, counts)


def _counts(bits: NDArray[np.uint8]) -> list[int]:
    """Return how many bits are set of each container."""
    whole = len(bits) // (_CONTAINER // 8) * (_CONTAINER // 8)
    counts = np.bitwise_count(bits[:whole].view(np.uint64)).reshape(-1, _CONTAINER // 64).sum(axis=1, dtype=np.int64)
    return [*counts.tolist(), int(np.bitwise_count(bits[whole:]).sum(dtype=np.int64))]


def _packed(bits: NDArray[np.uint8], counts: Sequence[int]) -> BitMap:
    """A full container's bits are those that are given."""
    containers = []
    for key, count in enumerate(counts):
        part = bits[key * _CONTAINER // 8 : (key + 1) * _CONTAINER // 8]
        if count > _FEW:
            containers.append((key, count, part.tobytes().ljust(_CONTAINER // 8, b"\0")))
        elif count:
            inside = np.flatnonzero(np.unpackbits(part, bitorder="little").view(np.bool_))
            containers.append((key, count, inside.astype("<u2").tobytes()))
    return _written(containers)


def _written(containers: Sequence[tuple[int, int, bytes]]) -> BitMap:
    """Return the set of containers: key, how many, and their bytes."""
    head = struct.pack("<II", _COOKIE, len(containers))
    head += np.array([(key, count - 1) for key, count, _ in containers], dtype="<u2").tobytes()
    sizes = [len(head) + 4 * len(containers), *(len(part) for _, _, part in containers)]
    offsets = np.cumsum(sizes, dtype=np.uint32)[:-1]
    return BitMap.deserialize(b"".join([head, offsets.astype("<u4").tobytes(), *(part for _, _, part in containers)]))


def _once(ids: NDArray[Any]) -> NDArray[Any]:
    """Return ascending ids without repetitions."""
    fresh = np.empty(len(ids), dtype=np.bool_)
    fresh[0] = True
    np.not_equal(ids[1:], ids[:-1], out=fresh[1:])
    return ids if fresh.all() else ids[fresh]


def bitmaps(ids: NDArray[Any], columns: Sequence[tuple[NDArray[Any], int]]) -> list[BitMap]:
    """Return one set for each bit: of each column of unsigned integers so many of the lowest, which say where it is set."""
    return Places(ids).bits(columns)


class Places:
    """What stands beside ids, each in the place of its id; where these are few among all, in a row.

    A scan gives long runs of neighbours: these are copied as they are.
    """

    def __init__(self, ids: NDArray[Any]) -> None:
        self.ids, top = ids, int(ids.max(initial=0))
        self.rows = top >= SPREAD * len(ids)
        self.size = len(ids) if self.rows else top + 1
        self.runs: list[tuple[int, int, int]] | None = None
        breaks = np.flatnonzero(np.diff(ids) != 1) + 1
        if len(breaks) * RUN < len(ids):
            begins = [0, *breaks.tolist()]
            self.runs = list(zip(begins, [*begins[1:], len(ids)], ids[begins].tolist(), strict=True))

    def spread(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return ``values`` in their places, 0 elsewhere."""
        if self.rows:
            return values
        found = np.zeros(self.size, dtype=values.dtype)
        if self.runs is None:
            found[self.ids] = values
        else:
            for begin, end, first in self.runs:
                found[first : first + end - begin] = values[begin:end]
        return found

    def packed(self, marks: NDArray[Any]) -> NDArray[np.uint8]:
        """Return which of ``marks``, in their places, are not 0, as bits."""
        return np.packbits(marks, bitorder="little")

    def set(self, bits: NDArray[np.uint8]) -> BitMap:
        """Return the set of the ids at whose places the bit is set."""
        if not self.rows:
            return packed(bits)
        return bitmap(self.ids[np.unpackbits(bits, count=self.size, bitorder="little").view(np.bool_)])

    def bits(self, columns: Sequence[tuple[NDArray[Any], int]]) -> list[BitMap]:
        """Return one set for each bit, as ``bitmaps`` does."""
        spread = ((self.spread(bits), share) for bits, share in columns)
        return [self.set(self.packed(held)) for bits, share in spread for held in _planes(bits, share)]


def _planes(bits: NDArray[Any], leaves: int) -> Iterator[NDArray[np.uint8]]:
    """Yield for each bit, lowest first, bytes that are not 0 where it is set; eight bits are asked of each byte."""
    split = bits.view(np.uint8).reshape(-1, bits.dtype.itemsize)
    for first in range(0, leaves, 8):
        byte = np.ascontiguousarray(split[:, first // 8])
        for bit in range(min(8, leaves - first)):
            yield byte & np.uint8(1 << bit)


def encode(ids: BitMap) -> bytes:
    """Return the portable serialised form, runs compressed."""
    ids = ids.copy()
    ids.run_optimize()
    return bytes(ids.serialize())


def decode(data: bytes | memoryview) -> BitMap:
    """Return the set that ``encode`` wrote."""
    return BitMap.deserialize(bytes(data))
