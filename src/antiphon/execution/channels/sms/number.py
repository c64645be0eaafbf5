"""Telephone numbers as the wire wants them (E.164)."""

from __future__ import annotations

import re

from antiphon.execution.channels.errors import Unsuitable

_E164 = re.compile(r"\+[1-9][0-9]{6,14}\Z")
_DIGITS = re.compile(r"[1-9][0-9]{6,14}\Z")


class BadNumber(Unsuitable):
    """{address} is not a telephone number in international form."""

    code = "sms-number-invalid"


def number(address: str) -> str:
    """The number with its plus. Raises `BadNumber`."""
    if _E164.match(address):
        return address
    raise BadNumber(address=address[:40], field="address")


def heard_number(address: str, *, international: bool = True) -> str:
    """A sender's number as identities hold it: with a plus where it is a whole international one, else as it came."""
    address = address.strip()
    return f"+{address}" if international and _DIGITS.match(address) else address
