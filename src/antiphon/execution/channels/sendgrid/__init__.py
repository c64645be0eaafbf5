"""Twilio SendGrid, a provider of the channel "email": API v3 to send, its signed Event Webhook to hear. Owns no tables."""

from antiphon.execution.channels.sendgrid.provider import SendGrid, SendGridSettings

__all__ = ["SendGrid", "SendGridSettings"]
