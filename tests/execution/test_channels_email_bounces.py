"""Bounces, complaints and delays as mail programs write them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings, strategies as st

from antiphon.execution.channels.email.bounces import read_mail
from antiphon.execution.delivery.tracking import Tracker

TRACKER = Tracker(b"k" * 32, "https://m.example")
PATH = TRACKER.return_path(77, 5, "shop.example")


def dsn(
    action: str = "failed", status: str = "5.1.1", diagnostic: str = "smtp; 550 5.1.1 user unknown", to: str = PATH
) -> bytes:
    """A delivery status notification after RFC 3464, appendix E."""
    return f"""From: Mail Delivery Subsystem <MAILER-DAEMON@mx.example>
To: <{to}>
Subject: Returned mail
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="RAA14128.773615765/mx.example"

--RAA14128.773615765/mx.example

The original message was received at Sat, 2 Jul 1994 17:10:28 -0400

--RAA14128.773615765/mx.example
content-type: message/delivery-status

Reporting-MTA: dns; mx.example
Original-Envelope-ID: 0207

Original-Recipient: rfc822;ann@x.example
Final-Recipient: rfc822;ann+alias@y.example
Action: {action}
Status: {status}
Diagnostic-Code: {diagnostic}

--RAA14128.773615765/mx.example
content-type: message/rfc822

Message-ID: <{PATH}>
To: ann@x.example
Subject: hello

body
--RAA14128.773615765/mx.example--
""".replace("\n", "\r\n").encode()


def test_a_hard_bounce() -> None:
    (signal,) = read_mail(dsn(), PATH)
    assert (signal.kind, signal.permanent, signal.address, signal.code) == ("bounced", True, "ann@x.example", "5.1.1")
    assert signal.token == PATH and "user unknown" in signal.detail


@pytest.mark.parametrize(
    ("status", "diagnostic", "permanent"),
    [
        ("5.1.1", "smtp; 550 5.1.1 unknown", True),
        ("5.1.10", "smtp; 556 null MX", True),
        ("5.2.1", "smtp; 550 5.2.1 disabled", True),
        ("5.0.0", "smtp; 550 no such user", True),
        ("5.0.0", "", True),
        ("5.2.2", "smtp; 552 5.2.2 full", False),
        ("5.7.1", "smtp; 550 5.7.1 blocked for spam", False),
        ("5.3.4", "smtp; 552 too big", False),
        ("4.4.7", "smtp; 451 expired", False),
        ("", "smtp; 550 no", True),
        ("nonsense", "x", False),
    ],
)
def test_which_bounces_are_the_addresss_fault(status: str, diagnostic: str, permanent: bool) -> None:
    (signal,) = read_mail(dsn(status=status, diagnostic=diagnostic), PATH)
    assert (signal.kind, signal.permanent) == ("bounced", permanent)


@pytest.mark.parametrize(("action", "kind"), [("delayed", "deferred"), ("delivered", "delivered"), ("relayed", "delivered")])
def test_other_actions(action: str, kind: str) -> None:
    (signal,) = read_mail(dsn(action=action, status="4.4.1"), PATH)
    assert signal.kind == kind


def test_the_token_is_found_inside_when_the_envelope_lost_it() -> None:
    (signal,) = read_mail(dsn(to="mailer@shop.example"), "mailer@shop.example")
    assert signal.token == PATH
    (signal,) = read_mail(dsn(to="mailer@shop.example"), None)
    assert signal.token == PATH


ARF = """From: <abusedesk@mailbox.example>
To: <abuse@shop.example>
Subject: FW: Earn money
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="part1_13d.2e68ed54_boundary"

--part1_13d.2e68ed54_boundary
Content-Type: text/plain; charset="US-ASCII"

This is an email abuse report.

--part1_13d.2e68ed54_boundary
Content-Type: message/feedback-report

Feedback-Type: {kind}
User-Agent: SomeGenerator/1.0
Version: 1
Original-Mail-From: <{path}>
Original-Rcpt-To: <user@mailbox.example>
Arrival-Date: Thu, 8 Mar 2026 14:00:00 EDT
Source-IP: 192.0.2.1

--part1_13d.2e68ed54_boundary
Content-Type: message/rfc822
Content-Disposition: inline

Message-ID: <{path}>
To: <user@mailbox.example>
Subject: Earn money

Spam Spam Spam
--part1_13d.2e68ed54_boundary--
"""


def test_an_abuse_report() -> None:
    """After RFC 5965, appendix B.2."""
    (signal,) = read_mail(ARF.format(kind="abuse", path=PATH).encode(), "abuse@shop.example")
    assert (signal.kind, signal.token, signal.address) == ("complained", PATH, "user@mailbox.example")
    assert read_mail(ARF.format(kind="not-spam", path=PATH).encode(), None) == []


QMAIL = f"""From: MAILER-DAEMON@mx.example
To: {PATH}
Subject: failure notice

Hi. This is the qmail-send program at mx.example.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<gone@x.example>:
Sorry, no mailbox here by that name. (#5.1.1)

--- Below this line is a copy of the message.
""".encode()


def test_bounces_of_older_kinds() -> None:
    (signal,) = read_mail(QMAIL, PATH)
    assert (signal.kind, signal.permanent, signal.token, signal.address) == ("bounced", True, PATH, "gone@x.example")


@pytest.mark.parametrize(
    "mail",
    [
        b"",
        b"Subject: Re: hello\r\n\r\nThanks!",
        b"Subject: Out of office\r\nAuto-Submitted: auto-replied\r\n\r\nI am away",
        b"Content-Type: multipart/report; report-type=delivery-status\r\n\r\nno parts",
        b"Content-Type: multipart/report; report-type=feedback-report; boundary=x\r\n\r\n--x--",
        b"Content-Type: multipart/mixed; boundary=\xff\r\n\r\n--\xff",
        b"\x00\x01\x02" * 1000,
        b"Content-Type: text/plain; charset=nonsense\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!!",
        b"Content-Type: multipart/mixed; boundary=a\r\n\r\n"
        + b"--a\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\n" * 500,
    ],
)
def test_mail_that_says_nothing(mail: bytes) -> None:
    assert list(read_mail(mail, None)) == []


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 900), st.integers(1, 60))
def test_hostile_mail_never_raises(noise: bytes, at: int, cut: int) -> None:
    raw = dsn()
    read_mail(raw[:at] + noise + raw[at + cut :], PATH)


# As the large ones write them; addresses and hosts made up.
EXIM = f"""Return-path: <>
X-Failed-Recipients: gone@x.example
Auto-Submitted: auto-replied
From: Mail Delivery System <Mailer-Daemon@mx.example>
To: {PATH}
Subject: Mail delivery failed: returning message to sender
Message-Id: <E1abc-0001@mx.example>

This message was created automatically by mail delivery software.

A message that you sent could not be delivered to one or more of its
recipients. This is a permanent error. The following address(es) failed:

  gone@x.example
    host mail.x.example [192.0.2.7]
    SMTP error from remote mail server after RCPT TO:<gone@x.example>:
    550 5.1.1 <gone@x.example>: Recipient address rejected: User unknown
"""
POSTFIX = f"""Return-Path: <>
From: MAILER-DAEMON@mx.example (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
To: {PATH}
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="4F2C1A0.1717243200/mx.example"

This is a MIME-encapsulated message.

--4F2C1A0.1717243200/mx.example
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

This is the mail system at host mx.example.

<gone@x.example>: host mail.x.example[192.0.2.7] said: 550 5.1.1 (in reply to RCPT TO command)

--4F2C1A0.1717243200/mx.example
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example
X-Postfix-Queue-ID: 4F2C1A0
Arrival-Date: Mon,  1 Jun 2026 12:00:00 +0000 (UTC)

Final-Recipient: rfc822; gone@x.example
Original-Recipient: rfc822;gone@x.example
Action: failed
Status: 5.1.1
Remote-MTA: dns; mail.x.example
Diagnostic-Code: smtp; 550 5.1.1 <gone@x.example>: Recipient address
    rejected: User unknown in virtual mailbox table

--4F2C1A0.1717243200/mx.example
Content-Description: Undelivered Message Headers
Content-Type: text/rfc822-headers

Return-Path: <{PATH}>
--4F2C1A0.1717243200/mx.example--
"""
EXCHANGE = f"""From: postmaster@x.example
To: {PATH}
Content-Type: multipart/report; report-type=delivery-status; boundary="_e1"
Subject: Undeliverable: News

--_e1
Content-Type: multipart/alternative; boundary="_e2"

--_e2
Content-Type: text/plain; charset="us-ascii"

Your message to gone@x.example couldn't be delivered.

--_e2
Content-Type: text/html; charset="us-ascii"

<html><body>Your message couldn't be delivered.</body></html>

--_e2--

--_e1
Content-Type: message/delivery-status

Reporting-MTA: dns;EX01.x.example
Received-From-MTA: dns;mx.example

Final-Recipient: rfc822;gone@x.example
Action: failed
Status: 5.1.10
Diagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient gone@x.example not found by SMTP address lookup

--_e1
Content-Type: message/rfc822

Subject: News

Hello
--_e1--
"""
GMAIL = f"""Return-Path: <>
X-Failed-Recipients: gone@gmail.example
Auto-Submitted: auto-replied
From: Mail Delivery Subsystem <mailer-daemon@googlemail.example>
To: {PATH}
Subject: Delivery Status Notification (Failure)
Content-Type: multipart/report; boundary="000000000000d"; report-type=delivery-status

--000000000000d
Content-Type: multipart/related; boundary="000000000000r"

--000000000000r
Content-Type: text/plain; charset="UTF-8"

** Address not found **

--000000000000r
Content-Type: image/png; name="icon.png"
Content-Transfer-Encoding: base64

iVBORw0KGgo=
--000000000000r--
--000000000000d
Content-Type: message/delivery-status

Reporting-MTA: dns; googlemail.example
Arrival-Date: Mon, 01 Jun 2026 05:00:00 -0700 (PDT)

Final-Recipient: rfc822; gone@x.example
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550-5.1.1 The email account that you tried to reach does not exist.
Last-Attempt-Date: Mon, 01 Jun 2026 05:00:01 -0700 (PDT)

--000000000000d--
"""


@pytest.mark.parametrize("mail", [EXIM, POSTFIX, EXCHANGE, GMAIL], ids=["exim", "postfix", "exchange", "gmail"])
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_bounces_of_large_mail_systems(mail: str, ends: str) -> None:
    (signal,) = read_mail(mail.replace("\n", ends).encode(), PATH)
    assert (signal.kind, signal.token, signal.address) == ("bounced", PATH, "gone@x.example")
    assert signal.permanent


YAHOO = f"""From: Yahoo! Mail AntiSpam Feedback <feedback@arf.mail.yahoo.example>
To: fbl@shop.example
Subject: FW:News
Content-Type: multipart/report; boundary="y1"; report-type=feedback-report

--y1
Content-Type: text/plain; charset="US-ASCII"

This is an email abuse report.

--y1
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: Yahoo!-Mail-Feedback/2.0
Version: 0.1
Original-Mail-From: <{PATH}>
Original-Rcpt-To: ann@yahoo.example
Received-Date: Mon, 01 Jun 2026 12:00:00 PDT
Reported-Domain: shop.example

--y1
Content-Type: message/rfc822
Content-Disposition: inline

Message-ID: <{PATH}>
Subject: News

Hello
--y1--
"""
MICROSOFT = f"""From: <staff@hotmail.com>
To: fbl@shop.example
Subject: complaint about message from 192.0.2.1
Content-Type: multipart/mixed; boundary="m1"

--m1
Content-Type: message/rfc822

X-HmXmrOriginalRecipient: <ann@outlook.example>
Message-ID: <{PATH}>
From: shop@shop.example
To: ann@outlook.example
Subject: News

Hello
--m1--
"""


@pytest.mark.parametrize(("mail", "address"), [(YAHOO, "ann@yahoo.example"), (MICROSOFT, "ann@outlook.example")], ids=["yahoo", "microsoft"])
def test_complaints_of_large_mail_systems(mail: str, address: str) -> None:
    (signal,) = read_mail(mail.replace("\n", "\r\n").encode(), "fbl@shop.example")
    assert (signal.kind, signal.token, signal.address, signal.permanent) == ("complained", PATH, address, True)
