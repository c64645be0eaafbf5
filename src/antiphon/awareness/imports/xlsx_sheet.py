"""A sheet of a workbook: what its XML says becomes rows of text, each as soon as it is whole."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import lru_cache

_MOST_CELLS = 16_384


def local_name(name: str) -> str:
    """The name of an element or attribute without its namespace."""
    return name.rpartition(" ")[2]


class Sheet:
    """Rows of a sheet as they are parsed; whoever feeds the parser takes them out of `done`."""

    def __init__(self, texts: Callable[[int], str], dates: list[bool], day_zero: datetime) -> None:
        self.done: list[list[str]] = []
        self._texts = texts
        self._dates = dates
        self._day_zero = day_zero
        self._row: list[str] = []
        self._place = 0
        self._kind = ""
        self._date = False
        self._parts: list[str] = []
        self._reading = self._phonetic = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        match local_name(name):
            case "c":
                reference = attributes.get("r")
                self._place = _column(reference) if reference else len(self._row)
                self._kind = attributes.get("t", "n")
                style = int(attributes.get("s", "0"))
                self._date = style < len(self._dates) and self._dates[style]
                self._parts.clear()
            case "v" | "t":
                self._reading = not self._phonetic
            case "rPh":
                self._phonetic = True
            case "row":
                self._row = []

    def text(self, data: str) -> None:
        if self._reading:
            self._parts.append(data)

    def end(self, name: str) -> None:
        match local_name(name):
            case "v" | "t":
                self._reading = False
            case "c":
                if self._parts and self._place < _MOST_CELLS:
                    self._row.extend([""] * (self._place - len(self._row)))
                    self._row[self._place :] = [self._shown("".join(self._parts))]
            case "rPh":
                self._phonetic = False
            case "row":
                if any(map(str.strip, self._row)):
                    self.done.append(self._row)

    def _shown(self, value: str) -> str:
        match self._kind:
            case "s":
                return self._texts(int(value)) if value.strip().isdecimal() else ""
            case "n":
                return self._number(value)
            case "b":
                return "true" if value.strip() == "1" else "false"
            case "e":
                return ""
        return value

    def _number(self, value: str) -> str:
        if not self._date and value.isdecimal():
            return value
        try:
            number = float(value)
        except ValueError:
            return value
        if self._date:
            return self._moment(number) or value
        return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)

    def _moment(self, days: float) -> str | None:
        """ISO 8601: a date, a time of day, or both."""
        try:
            at = self._day_zero + timedelta(seconds=round(days * 86_400, 3))
        except (OverflowError, ValueError):
            return None
        if days < 1:
            return at.time().isoformat()
        return at.date().isoformat() if float(days).is_integer() else at.isoformat()


@lru_cache(maxsize=4096)
def _letters(letters: str) -> int:
    place = 0
    for letter in letters:
        place = place * 26 + ord(letter) - 64
    return place - 1


def _column(reference: str) -> int:
    """The place of a cell in its row: 0 of A7, 27 of AB7."""
    return max(0, _letters(reference.rstrip("0123456789")[:3].upper()))
