"""The kinds of identity: how each is spelled, how surely it names a person, how many a person may have."""

from __future__ import annotations

import time
from typing import Annotated, Literal

import msgspec

from antiphon.foundation.postgres import Connection

USER_ID, EMAIL, PHONE, ANONYMOUS_ID = "user_id", "email", "phone", "anonymous_id"

Form = Literal["exact", "lower", "card", "handle", "email", "phone"]


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of identity."""

    name: str
    title: str
    form: Form = "exact"
    """Its normal form: as it is; in small letters; a card's number without blanks and dashes; `@name` or a number; an
    address; a number in E.164."""
    strength: int = 5
    """Smaller is surer. Built in and never changed: 5 for every kind of one's own."""
    household: bool = False
    """People who live together may share it: it joins two only where nothing speaks against it."""
    proposes: bool = True
    """Two known people with the same one are proposed to be one; otherwise it is a shared device, and nothing is said."""
    most: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 1_000
    """The most of them one profile has. A message with one more is refused."""
    people: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 10
    """Named with more people than this it is shared: it links nobody any more, and is nobody's."""
    quiet_days: Annotated[int, msgspec.Meta(ge=0, le=36_500)] = 0
    """Not named with its owner for this many days, then with another user: it is probably that one's now. 0: never."""
    own: bool = False
    """Declared by whoever runs this installation."""


_BUILT_IN = (
    Kind(name=USER_ID, title="User id", strength=0),
    Kind(name=EMAIL, title="E-mail", form="email", strength=1),
    Kind(name=PHONE, title="Phone", form="phone", strength=2, household=True, quiet_days=90),
    Kind(name="whatsapp", title="WhatsApp", form="phone", strength=3, household=True, quiet_days=90),
    Kind(name="telegram", title="Telegram", form="handle", strength=4),
    Kind(name="loyalty_card", title="Loyalty card", form="card"),
    Kind(name="push_subscription", title="Push subscription", strength=8, proposes=False, people=5),
    Kind(name="device", title="Device", strength=8, proposes=False, people=5),
    Kind(name=ANONYMOUS_ID, title="Anonymous id", strength=9, proposes=False, people=5),
)
BUILT_IN = {kind.name: kind for kind in _BUILT_IN}
MOST_OWN = 100

_REFRESH = 5.0


class Kinds:
    """The kinds as this process knows them: those built in, and what was declared, at most a few seconds ago."""

    def __init__(self) -> None:
        self._known = dict(BUILT_IN)
        self._fresh_until = 0.0
        self._database = ""

    def of(self, name: str) -> Kind:
        """A kind; one nobody declared is spelled as it comes."""
        found = self._known.get(name)
        return found if found is not None else Kind(name=name, title=name, own=True)

    def all(self) -> list[Kind]:
        return sorted(self._known.values(), key=lambda kind: (kind.own, kind.strength, kind.name))

    async def refresh(self, conn: Connection, *, now: bool = False) -> None:
        """Read what was declared, unless that was done seconds ago."""
        database = conn.info.dbname
        if time.monotonic() < self._fresh_until and database == self._database and not now:
            return
        cursor = await conn.execute(
            "select name, title, form, household, proposes, most, people, quiet_days from identity_kind order by name"
        )
        known = dict(BUILT_IN)
        for name, title, form, household, proposes, most, people, quiet_days in await cursor.fetchall():
            if (built_in := BUILT_IN.get(name)) is not None:
                known[name] = msgspec.structs.replace(built_in, most=most, people=people, quiet_days=quiet_days)
            else:
                known[name] = Kind(
                    name=name, title=title, form=form, household=household, proposes=proposes, most=most, people=people,
                    quiet_days=quiet_days, own=True,
                )  # fmt: skip
        self._known, self._database = known, database
        self._fresh_until = time.monotonic() + _REFRESH


KINDS = Kinds()
