"""Drafts to start from: what shops, services and publishers send most, each a campaign's body with places to fill in."""

from __future__ import annotations

from datetime import datetime

import msgspec

from antiphon.awareness.events import PropertyFilter
from antiphon.execution.campaigns.goals import Goal
from antiphon.execution.campaigns.model import CampaignClass, CampaignKind
from antiphon.execution.campaigns.triggers import Trigger
from antiphon.foundation.recurrence import Recurrence


class Example(msgspec.Struct, frozen=True, kw_only=True):
    """A draft to start from: `key` names it for whoever words it, `text` is a template's text for it."""

    key: str
    title: str
    description: str
    kind: CampaignKind
    message_class: CampaignClass
    purpose: str
    subject: str
    text: str
    recurrence: Recurrence | None = None
    trigger: Trigger | None = None
    goal: Goal | None = None


EXAMPLES = (
    Example(
        key="order_status",
        title="Order and its status",
        description="Each status of each order is confirmed once, also when the same order comes by import and by API.",
        kind="triggered",
        message_class="transactional",
        purpose="order_status",
        trigger=Trigger(event="Order Updated", again="key", key=["order_id", "status"]),
        subject="Order {{ event.order_id }}: {{ event.status }}",
        text="Hello {{ first_name | default: 'there' }},\n\nyour order {{ event.order_id }} is now {{ event.status }}.\n",
    ),
    Example(
        key="order_confirmation",
        title="Order confirmation",
        description="Each completed order is confirmed once, by its number.",
        kind="triggered",
        message_class="transactional",
        purpose="order_status",
        trigger=Trigger(event="Order Completed", again="key", key=["order_id"]),
        subject="Thank you for order {{ event.order_id }}",
        text="Hello {{ first_name | default: 'there' }},\n\nwe have your order {{ event.order_id }} of {{ event.total }}.\n",
    ),
    Example(
        key="abandoned_cart",
        title="Abandoned cart",
        description="An hour after something was put into the cart, at most once in three days.",
        kind="triggered",
        message_class="marketing",
        purpose="promotion",
        trigger=Trigger(event="Product Added", again="period", period_seconds=3 * 86_400, delay_seconds=3600),
        goal=Goal(event="Order Completed", value="total", key="order_id", within_seconds=3 * 86_400),
        subject="Still thinking about {{ event.name }}?",
        text="Your cart is waiting for you.\n\n{{ unsubscribe_url }}\n",
    ),
    Example(
        key="welcome",
        title="Welcome",
        description="Everybody who signs up is greeted once.",
        kind="triggered",
        message_class="service",
        purpose="account",
        trigger=Trigger(event="Signed Up", again="once"),
        subject="Welcome",
        text="Hello {{ first_name | default: 'there' }},\n\ngood to have you here.\n",
    ),
    Example(
        key="large_order",
        title="Thanks for a large order",
        description="Orders of 500 and more are thanked for a day later, each person at most once a month.",
        kind="triggered",
        message_class="marketing",
        purpose="promotion",
        trigger=Trigger(
            event="Order Completed", filters=[PropertyFilter(property="total", op="ge", value=500)], again="period",
            period_seconds=30 * 86_400, delay_seconds=86_400,
        ),
        subject="Thank you",
        text="A voucher for your next order: {{ campaign.code }}\n\n{{ unsubscribe_url }}\n",
        goal=Goal(
            event="Order Completed", value="total", key="order_id", code="THANKS", code_property="coupon", personal_codes=True
        ),
    ),
    Example(
        key="weekly_digest",
        title="Weekly digest",
        description="Each Tuesday at ten, by each person's own clock.",
        kind="recurring",
        message_class="marketing",
        purpose="newsletter",
        recurrence=Recurrence(rule="FREQ=WEEKLY;BYDAY=TU", starts=datetime.fromisoformat("2026-01-06T10:00"), local=True),
        subject="This week",
        text="What is new this week.\n\n{{ unsubscribe_url }}\n",
    ),
)  # fmt: skip

