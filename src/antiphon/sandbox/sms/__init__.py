"""The sandbox's telephones: a real SMSC (SMPP 3.4) and a gateway that speaks as Twilio's does, by HTTP.

`python -m antiphon.sandbox.sms` starts either. Owns a folder: `received.jsonl`, one line for each short message (a long one has
several), on disk before it is answered: what `count_received` counts. It shares no code with the channel it tries.
"""

from antiphon.sandbox.sms.faults import Fault, Rates, fault_of
from antiphon.sandbox.sms.log import Received, SmsLog, count_received, read_received

__all__ = ["Fault", "Rates", "Received", "SmsLog", "count_received", "fault_of", "read_received"]
