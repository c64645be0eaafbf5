"""Emulators of the HTTP APIs that e-mail is sent by: SES, SendGrid, Mailgun, Postmark.

`python -m antiphon.sandbox.mailapi sendgrid --port 0 --callback URL`. Real servers on loopback, with faults for addresses, that
post signed news of what became of a message back to the callback address. Nothing is kept but in memory.
"""

from antiphon.sandbox.mailapi.base import Mail, MailApi, Post
from antiphon.sandbox.mailapi.faults import ApiFault, ApiRates
from antiphon.sandbox.mailapi.mailgun import MailgunApi
from antiphon.sandbox.mailapi.postmark import PostmarkApi
from antiphon.sandbox.mailapi.sendgrid import SendGridApi
from antiphon.sandbox.mailapi.ses import SesApi

__all__ = ["ApiFault", "ApiRates", "Mail", "MailApi", "MailgunApi", "Post", "PostmarkApi", "SendGridApi", "SesApi"]
