"""The webhook channel: messages as signed HTTP requests to any system, and its signed answers.

Owns no tables. Signatures follow the Standard Webhooks specification, so that either side may use its libraries.
"""

from antiphon.execution.channels.webhook.channel import WebhookChannel
from antiphon.execution.channels.webhook.settings import WebhookSettings
from antiphon.execution.channels.webhook.signing import PREFIX, key_of, signature, verify

__all__ = ["PREFIX", "WebhookChannel", "WebhookSettings", "key_of", "signature", "verify"]
