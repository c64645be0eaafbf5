"""Campaigns: one message, by one channel, to the members of a segment, now or at a time.

Owns ``campaign`` and ``campaign_audience``. A campaign that starts freezes its audience and its template's version; a
leased loop hands the audience to delivery's gate in chunks, each with its place in one transaction, so that neither a
crash nor a pause loses or doubles anybody. Its report reads delivery's ledger.
"""

from antiphon.execution.campaigns.model import Campaign, CampaignState, CampaignUnknown
from antiphon.execution.campaigns.report import Report, read_report
from antiphon.execution.campaigns.service import add_campaign, cancel, pause, resume, start

__all__ = [
    "Campaign", "CampaignState", "CampaignUnknown", "Report", "add_campaign", "cancel", "pause", "read_report", "resume",
    "start",
]  # fmt: skip
