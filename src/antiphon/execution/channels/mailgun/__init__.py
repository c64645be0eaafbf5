"""Mailgun, a provider of the channel "email": `messages.mime` to send, signed webhooks to hear. Owns no tables."""

from antiphon.execution.channels.mailgun.provider import Mailgun, MailgunSettings

__all__ = ["Mailgun", "MailgunSettings"]
