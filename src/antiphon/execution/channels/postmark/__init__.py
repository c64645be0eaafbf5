"""Postmark, a provider of the channel "email": its batch API to send, webhooks with a password to hear. Owns no tables."""

from antiphon.execution.channels.postmark.provider import Postmark, PostmarkSettings

__all__ = ["Postmark", "PostmarkSettings"]
