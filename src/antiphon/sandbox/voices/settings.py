"""What an account of a sandbox channel needs: who calls, the key of its news, and how much goes wrong."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from antiphon.execution.channels import AccountSettings
from antiphon.sandbox.shares import Share, more_than_all


def _about(title: str, description: str = "") -> Meta:
    return Meta(title=title, description=description or None)


class VoicesSettings(AccountSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who calls, the key that news is signed with, and shares of addresses with each trouble."""

    sender: Annotated[str, _about("Who calls"), Meta(min_length=1, max_length=100)] = "Antiphon"
    secret: Annotated[str, _about("Key of news"), Meta(min_length=8, max_length=200)]
    language: Annotated[str, _about("Language"), Meta(min_length=2, max_length=10)] = "en"
    seed: Annotated[int, _about("Seed", "The same seed gives the same troubles."), Meta(ge=0, le=2**31)] = 0
    reject: Annotated[Share, _about("Refused", "Share of addresses that are refused for good.")] = 0.0
    gone: Annotated[Share, _about("Gone", "Share of addresses that do not exist.")] = 0.0
    defer: Annotated[Share, _about("Busy", "Share of addresses that are busy each time.")] = 0.0
    silent: Annotated[Share, _about("Silent", "Share of addresses that take a message and never say so.")] = 0.0

    def __post_init__(self) -> None:
        if more_than_all((self.reject, self.gone, self.defer, self.silent)):
            raise ValueError("reject: the shares of troubles add up to more than 1")
