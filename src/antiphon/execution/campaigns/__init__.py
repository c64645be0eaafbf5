"""Campaigns: what is said to the members of a segment, once, again and again, or in answer to events; and the transactional API.

Owns ``campaign``, ``campaign_audience`` (each time it is said), ``campaign_answered``, ``campaign_last``,
``conversion``, ``campaign_snapshot``, ``campaign_report``, ``campaign_rule`` (approval), ``message_request`` and
``message_text``. Each time a campaign is said its audience and its template's version are frozen; a leased loop hands the
audience to delivery's gate in chunks, each with its place in one transaction, so that neither a crash nor a pause loses
or doubles anybody. Events are answered, and conversions counted, behind a cursor for each lane of the journal. Reports
read delivery's ledger. `Desk` takes messages of the API, those asked at once as one set.
"""

from antiphon.execution.campaigns.model import Campaign, CampaignState, CampaignUnknown
from antiphon.execution.campaigns.report import Report, read_report
from antiphon.execution.campaigns.service import add_campaign, cancel, pause, resume, start

__all__ = [
    "Campaign", "CampaignState", "CampaignUnknown", "Report", "add_campaign", "cancel", "pause", "read_report", "resume",
    "start",
]  # fmt: skip
