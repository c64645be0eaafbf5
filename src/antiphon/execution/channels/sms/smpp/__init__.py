"""SMS by SMPP 3.4: our own thin client over asyncio. Why: decision 0024."""

from antiphon.execution.channels.sms.smpp.channel import SmppChannel

__all__ = ["SmppChannel"]
