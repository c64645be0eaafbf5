"""One round's dealing: how many rows each account may take, which account each row takes, and who waits until when.

Turns of limits are taken for a handful before rows are claimed, and what was not used goes back in the same transaction. A
row none of whose accounts has a turn is put off until there should be one: it is not looked at again each round.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from antiphon.execution.delivery import pace
from antiphon.execution.delivery.accounts import PROBE, Accounts
from antiphon.execution.delivery.country import country_of, domain_of
from antiphon.execution.delivery.lanes import Lanes
from antiphon.execution.delivery.model import NOBODY, Dispatch
from antiphon.execution.delivery.pace import Scope
from antiphon.execution.delivery.routing import Addressee
from antiphon.execution.delivery.store import Claimed
from antiphon.execution.delivery.terms import Limit, account_limits, domain_limit, wait_of
from antiphon.foundation.ids import keyed_fraction
from antiphon.foundation.postgres import Connection

NO_ACCOUNT = timedelta(seconds=20)  # until a row without a usable account is looked at again
FARTHEST = timedelta(minutes=10)  # nobody is put off longer for a limit, so that a changed limit is soon felt
CROWDED = 0.2  # seconds for each row that waits for others to the same domain
PASSES = 3  # accounts tried for a row whose first choice has no turn for its domain


@dataclass
class Dealt:
    """What became of claimed rows: who speaks them, and who waits until when (None: for the next round)."""

    given: list[tuple[int, Dispatch, list[Claimed]]] = field(default_factory=list)
    late: list[tuple[Claimed, datetime | None]] = field(default_factory=list)


class Bookings:
    """Until when the turns of a limit are spoken for by rows this process has put off."""

    def __init__(self) -> None:
        self._until: dict[Scope, datetime] = {}

    def next(self, scope: Scope, gap: timedelta, now: datetime, spread: float) -> datetime:
        """When a row should come again that found no turn; ``spread`` in [0, 1) spreads those beyond the farthest."""
        if len(self._until) > 10_000:
            self._until = {one: until for one, until in self._until.items() if until > now}
        at = max(now, self._until.get(scope, now)) + gap
        if at > now + FARTHEST:
            return now + FARTHEST * (0.5 + spread / 2)
        self._until[scope] = at
        return at


class Deal:
    """One round."""

    def __init__(
        self,
        accounts: Accounts,
        lanes: Lanes,
        bookings: Bookings,
        key: bytes,
        *,
        most: int,
        share: float,
        now: datetime,
        in_hand: Callable[[int], int],
    ) -> None:
        self._accounts = accounts
        self._lanes = lanes
        self._bookings = bookings
        self._key = key
        self._most = most
        self._in_hand = in_hand
        self._share = share
        self._now = now
        self._left: dict[int, int] = {}
        self._unruled: dict[int, list[int]] = {}
        self._taken: dict[Scope, tuple[int, Limit]] = {}
        self._short: list[Scope] = []  # limits that had fewer turns than were wanted
        self._used: Counter[Scope] = Counter()

    async def open(self, conn: Connection, waiting: Sequence[Dispatch]) -> dict[int, int]:
        """How many rows of each dispatch may be claimed."""
        of = {dispatch.id: self._accounts.of(dispatch) for dispatch in waiting}
        every = {account for accounts in of.values() for account in accounts}
        await self._accounts.probe(conn, sorted(every), self._now)
        for account in every:
            if self._accounts.usable(account) and not self._lanes.hangs(account):
                room = max(0, self._in_hand(account) - self._lanes.rows(account))
                if self._accounts.probing(account):
                    room = 0 if self._lanes.in_hand(account) else PROBE
                self._left[account] = room
        await self._take_account_turns(conn)
        return {
            dispatch.id: most
            for dispatch in waiting
            if (most := min(self._most, sum(self._left.get(account, 0) for account in of[dispatch.id]))) > 0
        }

    async def _take_account_turns(self, conn: Connection) -> None:
        wanted: dict[Scope, tuple[int, Limit]] = {}
        for account, left in self._left.items():
            if left:
                for scope, limit in account_limits(self._accounts.terms(account), self._now).items():
                    wanted[account, scope] = (left, limit)
        for key, count in (await pace.take(conn, wanted, self._now)).items():
            self._taken[key] = (count, wanted[key][1])
            if count < wanted[key][0]:
                self._short.append(key)
            self._left[key[0]] = min(self._left[key[0]], count)

    async def choose(self, conn: Connection, rows: Sequence[Claimed], dispatches: Mapping[int, Dispatch]) -> Dealt:
        """An account for each row, or the instant it comes again."""
        dealt = Dealt()
        given: dict[tuple[int, int], list[Claimed]] = defaultdict(list)
        open_ = [(row, self._candidates(row, dispatches[row.dispatch_id])) for row in rows]
        for _ in range(PASSES):
            asked: dict[Scope, list[tuple[Claimed, list[int]]]] = defaultdict(list)
            for row, accounts in open_:
                account = next((one for one in accounts if self._left.get(one, 0) > 0), None)
                if account is None:
                    dealt.late.append((row, self._again(row, accounts)))
                    continue
                self._left[account] -= 1
                domain = domain_of(row.address) if self._accounts.terms(account).domains else ""
                asked[account, "@" + domain].append((row, accounts))
            open_ = []
            for (account, scope), alike in sorted(asked.items(), key=lambda item: item[0]):
                count = await self._domain_turns(conn, account, scope, len(alike))
                for row, _ in alike[:count]:
                    given[row.dispatch_id, account].append(row)
                for row, accounts in alike[count:]:
                    self._left[account] += 1
                    others = [one for one in accounts if one != account]
                    if others:
                        open_.append((row, others))
                    else:
                        dealt.late.append((row, self._domain_again(row, account, scope)))
            if not open_:
                break
        dealt.late += [(row, self._again(row, accounts)) for row, accounts in open_]
        dealt.given = [(account, dispatches[dispatch], group) for (dispatch, account), group in given.items()]
        for account, _, group in dealt.given:
            for scope in ("", "warm-up"):
                self._used[account, scope] += len(group)
        return dealt

    async def close(self, conn: Connection) -> None:
        """Give back the turns of accounts that were not used."""
        unused = {key: (count - self._used[key], limit) for key, (count, limit) in self._taken.items()}
        await pace.give_back(conn, unused)

    def _candidates(self, row: Claimed, dispatch: Dispatch) -> list[int]:
        if not self._accounts.is_ruled(dispatch):
            if (same := self._unruled.get(dispatch.id)) is None:
                same = self._unruled[dispatch.id] = [one for one in self._accounts.of(dispatch) if self._accounts.usable(one)]
            found = same
        else:
            to = Addressee(
                dispatch.message_class, dispatch.topic, dispatch.purpose, country_of(row.address, row.traits),
                domain_of(row.address), row.delivery_id if row.profile_id == NOBODY else row.profile_id,
            )  # fmt: skip
            found = self._accounts.candidates(dispatch, to)
        if row.avoid in found and len(found) > 1:
            found = [one for one in found if one != row.avoid] + [row.avoid]
        return found

    async def _domain_turns(self, conn: Connection, account: int, scope: str, wanted: int) -> int:
        """How many of these rows may go to their domain now."""
        terms = self._accounts.terms(account)
        if not terms.domains:
            return wanted
        own = terms.domain(scope[1:])
        if own is not None and own.concurrent is not None:
            mine = max(1, round(own.concurrent * self._share))
            wanted = max(0, min(wanted, mine - self._lanes.to_domain(account, scope[1:])))
        limit = domain_limit(terms, scope[1:])
        if limit is None or not wanted:
            return wanted
        return (await pace.take(conn, {(account, scope): (wanted, limit)}, self._now))[account, scope]

    def _domain_again(self, row: Claimed, account: int, scope: str) -> datetime:
        limit = domain_limit(self._accounts.terms(account), scope[1:])
        gap = timedelta(seconds=CROWDED) if limit is None else wait_of(limit, self._now) / self._share
        return self._bookings.next((account, scope), min(gap, FARTHEST), self._now, self._fraction(row))

    def _again(self, row: Claimed, accounts: Sequence[int]) -> datetime | None:
        """When a row comes again whose accounts have no turn, or cannot be used."""
        if not accounts:
            return self._now + NO_ACCOUNT * (0.8 + 0.4 * self._fraction(row))
        waits = [wait for account in accounts if (wait := self._wait(account)) is not None]
        if len(waits) < len(accounts):
            return None  # somebody's handful for this round was used up
        return self._now + min(FARTHEST, max(timedelta(seconds=1), min(waits))) * (0.8 + 0.4 * self._fraction(row))

    def _wait(self, account: int) -> timedelta | None:
        """How long until an account has a turn again; None where it has no limit that is used up."""
        limits = [self._taken[key][1] for key in self._short if key[0] == account]
        return max((wait_of(limit, self._now) for limit in limits), default=None)

    def _fraction(self, row: Claimed) -> float:
        return keyed_fraction(self._key, "again", row.delivery_id, math.floor(self._now.timestamp()))
