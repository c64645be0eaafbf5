"""SMS by Twilio's HTTP API, and by the services that speak it as Twilio does."""

from antiphon.execution.channels.sms.twilio.channel import TwilioChannel

__all__ = ["TwilioChannel"]
