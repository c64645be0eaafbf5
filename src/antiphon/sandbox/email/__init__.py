"""The sandbox's mail server: `python -m antiphon.sandbox.email`.

Owns a folder: `received.jsonl` (one line for each message, on disk before it is acknowledged: what `count_received`
counts), `messages` (their bytes) and `bounced` (how far bounces were sent back).
"""

from antiphon.sandbox.email.faults import Fault, Rates, fault_of
from antiphon.sandbox.email.log import MailLog, Received, count_received, read_received

__all__ = ["Fault", "MailLog", "Rates", "Received", "count_received", "fault_of", "read_received"]
