"""The mails and the audience of the demo's campaigns."""

from __future__ import annotations

from typing import Any

SEGMENT = "Ran out of data"
SEGMENT_TREE: dict[str, Any] = {
    "kind": "and",
    "of": [
        {"kind": "trait", "trait": "plan", "op": "in", "values": ["Lite 5 GB", "Plus 20 GB"]},
        {"kind": "event", "name": "Data Exhausted", "op": "did", "window": {"kind": "last", "amount": 60, "unit": "days"}},
    ],
}
TEMPLATE = "A larger plan"
_SUBJECTS = (
    "{{ firstName | default: 'Hello' }}, more data for the same month",
    "{{ firstName | default: 'Hello' }}, your plan ran out again",
    "{{ firstName | default: 'Hello' }}, 20 GB more, on us",
    "{{ firstName | default: 'Hello' }}, a plan that fits you",
)
BODY = """\
<!doctype html>
<html lang="{{ language | default: 'en' }}">
<body style="margin:0;background:#f4f5f7;font-family:Helvetica,Arial,sans-serif;color:#1d2129">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0"><tr><td align="center" style="padding:24px">
<table role="presentation" width="600" cellpadding="0" cellspacing="0" style="background:#ffffff;border-radius:8px">
<tr><td style="padding:32px 40px 8px">
<p style="font-size:14px;color:#5b6472;margin:0">Meridian Mobile</p>
<h1 style="font-size:24px;margin:8px 0 16px">{{ firstName | default: 'Hello' }}, you ran out of data</h1>
<p style="font-size:16px;line-height:1.5">Your plan, <b>{{ plan | default: 'your plan' }}</b>, has
{{ plan_gb | default: 5 }} GB a month. That was not enough lately.
{% if plan == 'Lite 5 GB' %}With <b>Plus 20 GB</b> you get four times as much for 19.00 &euro; a month.
{% else %}With <b>Max 60 GB</b> you get three times as much for 29.00 &euro; a month.{% endif %}</p>
<p style="margin:24px 0"><a href="https://meridian.example.com/plans?from=mail"
style="background:#0b6bcb;color:#ffffff;padding:12px 24px;border-radius:6px;text-decoration:none">See the plans</a></p>
<p style="font-size:16px;line-height:1.5">{% if prepaid %}Or <a href="https://meridian.example.com/topup">top up now</a>
and get 2 GB on us{% else %}Or <a href="https://meridian.example.com/boost">add a data boost</a> to this month{% endif %}.
Prices in {{ city | default: 'your city' }} are the same as everywhere.</p>
<p style="font-size:14px"><a href="https://meridian.example.com/usage">Your usage</a> &middot;
<a href="https://meridian.example.com/help">Help</a></p>
</td></tr>
<tr><td style="padding:16px 40px 32px;font-size:12px;color:#5b6472">You get this because you agreed to offers from Meridian
Mobile. <a href="{{ unsubscribe_url }}">Unsubscribe</a></td></tr>
</table></td></tr></table>
</body></html>
"""


def template_source(turn: int) -> dict[str, Any]:
    """The template as an author writes it; each turn has a subject of its own."""
    return {"format": "html", "subject": _SUBJECTS[turn % len(_SUBJECTS)], "preheader": "Before it slows down", "body": BODY,
            "text": None}  # fmt: skip


def campaign_name(turn: int) -> str:
    return f"Larger plans, round {turn + 1}"
