"""What came of a campaign, and whether its numbers agree with each other and with the mail server's own log."""

from __future__ import annotations

import msgspec

from antiphon.foundation.errors import AntiphonError


class DoesNotReconcile(AntiphonError):
    """The numbers do not reconcile: {what}."""


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """The last line of a headless demo. `sent` counts what the mail server took, whatever became of it later."""

    audience: int
    queued: int
    sent: int
    suppressed: dict[str, int]
    failed: int
    unknown: int
    delivered: int
    bounced: int
    opened: int
    clicked: int
    unsubscribed: int
    complained: int
    sink_received: int
    delivered_after_hours: float
    customers: int
    seed: int
    seconds: float

    def check(self) -> None:
        """Raises DoesNotReconcile naming the sum that fails."""
        suppressed = sum(self.suppressed.values())
        for true, what in (
            (
                self.audience == self.sent + suppressed + self.failed + self.unknown,
                "audience = sent + suppressed + failed + unknown",
            ),
            (self.queued == self.sent + self.failed + self.unknown, "queued = sent + failed + unknown"),
            (self.sent == self.delivered + self.bounced, "delivered + bounced = sent"),
            (self.sent <= self.sink_received <= self.sent + self.unknown, "sent ≤ sink_received ≤ sent + unknown"),
        ):
            if not true:
                raise DoesNotReconcile(what=f"{what}, in {msgspec.json.encode(self).decode()}")
