"""Money in integer minor units with its currency. Never a float."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from antiphon.foundation.errors import Invalid

# ISO 4217 minor-unit exponents other than 2.
_EXPONENT = {
    "BHD": 3, "CLP": 0, "IQD": 3, "ISK": 0, "JOD": 3, "JPY": 0, "KRW": 0, "KWD": 3,
    "LYD": 3, "OMR": 3, "PYG": 0, "TND": 3, "UGX": 0, "VND": 0, "XAF": 0, "XOF": 0, "XPF": 0,
}


class CurrencyMismatch(Invalid):
    """Amounts of two currencies cannot be added."""


class Money(msgspec.Struct, frozen=True):
    """An amount in minor units (cents, kopecks, fen) of an ISO 4217 currency."""

    amount_minor: int
    currency: str

    @classmethod
    def of(cls, amount: Decimal | str | int, currency: str) -> Money:
        """From a decimal amount of major units; refuses a fraction of a minor unit."""
        minor = Decimal(amount).scaleb(_EXPONENT.get(currency, 2))
        if minor != minor.to_integral_value():
            raise Invalid(f"{amount} {currency} has more decimal places than the currency", field="amount")
        return cls(int(minor), currency)

    @property
    def amount(self) -> Decimal:
        return Decimal(self.amount_minor).scaleb(-_EXPONENT.get(self.currency, 2))

    def __add__(self, other: Money) -> Money:
        if other.currency != self.currency:
            raise CurrencyMismatch
        return Money(self.amount_minor + other.amount_minor, self.currency)

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"
