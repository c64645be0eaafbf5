"""Where an address is: the country of a phone number or of a mail domain, and the domain itself. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import phonenumbers

_LONGEST_CODE = 3
_ONE_COUNTRY = {
    str(code): regions[0]
    for code, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items()
    if len(regions) == 1 and regions[0] != "001"
}
_OWN_CODES = {"uk": "GB", "su": "RU", "eu": ""}
"""Top-level domains of countries that are not the country's code."""
_KNOWN = frozenset(phonenumbers.SUPPORTED_REGIONS)


def country_of(address: str, traits: Mapping[str, Any] | None = None) -> str:
    """ISO 3166 code of an address's country, or ''.

    A phone number (E.164) says its own. For anything else: the trait ``country`` where it is such a code, then the
    top-level domain of a country.
    """
    if address.startswith("+"):
        return _of_phone(address)
    said = traits.get("country") if traits else None
    if isinstance(said, str) and said.strip().upper() in _KNOWN:
        return said.strip().upper()
    last = domain_of(address).rpartition(".")[2]
    if last in _OWN_CODES:
        return _OWN_CODES[last]
    return last.upper() if len(last) == 2 and last.upper() in _KNOWN else ""


def domain_of(address: str) -> str:
    """The domain of an address, or ''."""
    return address.rpartition("@")[2].lower() if "@" in address else ""


def _of_phone(number: str) -> str:
    digits = number[1:]
    for length in range(1, _LONGEST_CODE + 1):
        if found := _ONE_COUNTRY.get(digits[:length]):
            return found
    return _of_shared_code(number)


@lru_cache(maxsize=4096)
def _of_shared_code(number: str) -> str:
    """Some calling codes (+1, +7, +44) are several countries'."""
    try:
        return phonenumbers.region_code_for_number(phonenumbers.parse(number)) or ""
    except phonenumbers.NumberParseException:
        return ""
