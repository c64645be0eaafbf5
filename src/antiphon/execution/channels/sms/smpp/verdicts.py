"""What an SMSC's status means for a message (SMPP 3.4, 5.1.3)."""

from __future__ import annotations

from antiphon.execution.channels.model import Receipt
from antiphon.execution.channels.sms.smpp.session import SmppError

_NAMES = {
    0x01: "ESME_RINVMSGLEN", 0x02: "ESME_RINVCMDLEN", 0x03: "ESME_RINVCMDID", 0x04: "ESME_RINVBNDSTS", 0x05: "ESME_RALYBND",
    0x06: "ESME_RINVPRTFLG", 0x07: "ESME_RINVREGDLVFLG", 0x08: "ESME_RSYSERR", 0x0A: "ESME_RINVSRCADR", 0x0B: "ESME_RINVDSTADR",
    0x0C: "ESME_RINVMSGID", 0x0D: "ESME_RBINDFAIL", 0x0E: "ESME_RINVPASWD", 0x0F: "ESME_RINVSYSID", 0x14: "ESME_RMSGQFUL",
    0x15: "ESME_RINVSERTYP", 0x40: "ESME_RINVDESTFLAG", 0x43: "ESME_RINVESMCLASS", 0x45: "ESME_RSUBMITFAIL",
    0x48: "ESME_RINVSRCTON", 0x49: "ESME_RINVSRCNPI", 0x50: "ESME_RINVDSTTON", 0x51: "ESME_RINVDSTNPI", 0x53: "ESME_RINVSYSTYP",
    0x58: "ESME_RTHROTTLED", 0x61: "ESME_RINVSCHED", 0x62: "ESME_RINVEXPIRY", 0x64: "ESME_RX_T_APPN", 0x65: "ESME_RX_P_APPN",
    0x66: "ESME_RX_R_APPN", 0xC0: "ESME_RINVOPTPARSTREAM", 0xC1: "ESME_ROPTPARNOTALLWD", 0xC2: "ESME_RINVPARLEN",
    0xC3: "ESME_RMISSINGOPTPARAM", 0xC4: "ESME_RINVOPTPARAMVAL", 0xFE: "ESME_RDELIVERYFAILURE", 0xFF: "ESME_RUNKNOWNERR",
}  # fmt: skip
THROTTLED = frozenset({0x14, 0x58})
_ADDRESS = frozenset({0x0B})  # the number is refused for good
_MESSAGE = frozenset({0x01, 0x65, 0x66, 0xFE})  # this message is, whatever is tried
_ACCOUNT = frozenset({
    0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x0A, 0x0D, 0x0E, 0x0F, 0x15, 0x40, 0x43, 0x48, 0x49, 0x50, 0x51, 0x53, 0x61, 0x62,
    0xC0, 0xC1, 0xC2, 0xC3, 0xC4,
})  # fmt: skip
"""What is wrong is the account's settings: every message would be told the same, and waits until that is put right."""
_THROTTLE_WAIT = 30.0
_SETTINGS_WAIT = 300.0


def status_name(status: int) -> str:
    """A status as the specification calls it; a vendor's own as a number."""
    return _NAMES.get(status, f"{status:#010x}")


def refused(delivery_id: int, status: int) -> Receipt:
    """The receipt for a negative answer. Codes of vendors are taken for passing troubles: attempts are counted."""
    permanent = status in _ADDRESS or status in _MESSAGE
    wait = _THROTTLE_WAIT if status in THROTTLED else _SETTINGS_WAIT if status in _ACCOUNT else None
    return Receipt(
        delivery_id=delivery_id,
        outcome="rejected" if permanent else "deferred",
        code=status_name(status),
        permanent=permanent,
        retry_after=wait,
        account_fault=status in _ACCOUNT or status in THROTTLED,
        address_fault=status in _ADDRESS,
    )


def broken(delivery_id: int, error: SmppError) -> Receipt:
    """The receipt when the connection broke: what was spoken is unknown, what was not may be tried again."""
    return Receipt(
        delivery_id=delivery_id,
        outcome="unknown" if error.spoken else "deferred",
        code=error.kind,
        detail=error.detail,
        account_fault=True,
    )
