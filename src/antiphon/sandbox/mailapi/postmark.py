"""Postmark's `/email/batch`, and its webhooks."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from antiphon.sandbox.mailapi.base import WAIT, Mail, MailApi, News, json_of
from antiphon.sandbox.web import Request, Response, as_json

SERVER = "sandbox-server"
PASSWORD = "sandbox-webhooks"  # noqa: S105  anybody may know it: it opens nothing but this emulator


class PostmarkApi(MailApi):
    """One server."""

    def __init__(
        self, *, server_token: str = SERVER, streams: tuple[str, ...] = ("outbound", "broadcast"),
        webhook_user: str = "postmark", webhook_password: str = PASSWORD, **more: Any,
    ) -> None:  # fmt: skip
        super().__init__(**more)
        self._server_token = server_token
        self._streams = streams
        self._webhook = f"Basic {b64encode(f'{webhook_user}:{webhook_password}'.encode()).decode()}"

    def authorized(self, request: Request) -> bool:
        return request.headers.get("x-postmark-server-token") == self._server_token

    def forbidden(self) -> Response:
        return as_json({"ErrorCode": 10, "Message": "No Account or Server API tokens were supplied."}, 401)

    def summary(self, request: Request) -> Any:
        return json_of(request)

    async def serve(self, request: Request) -> Response | None:
        if (request.method, request.path) == ("GET", "/server"):
            return as_json({"ID": 1, "Name": "Sandbox"})
        if (request.method, request.path) != ("POST", "/email/batch"):
            return as_json({"ErrorCode": 404, "Message": "not found"}, 404)
        batch = msgspec.json.decode(request.body)
        if len(batch) > 500:
            return as_json({"ErrorCode": 410, "Message": "Too many batch messages"}, 422)
        troubles = [self.fault(mail["To"]) for mail in batch]
        if "broken" in troubles:
            return as_json({"ErrorCode": 0, "Message": "Internal Server Error"}, 500)
        if "hang" in troubles:
            await self.silence()
            return None
        if set(troubles) == {"busy"}:
            return as_json({"ErrorCode": 429, "Message": "Rate limit exceeded"}, 429, retry_after=WAIT)
        answers = [self._one(mail, trouble) for mail, trouble in zip(batch, troubles, strict=True)]
        if "silent" in troubles:
            await self.silence()
            return None
        return as_json(answers)

    def _one(self, mail: Mapping[str, Any], trouble: str | None) -> dict[str, Any]:
        address = mail["To"]
        if mail.get("MessageStream", "outbound") not in self._streams:
            return {"ErrorCode": 1235, "Message": "The stream provided: does not exist on this server."}
        match trouble:
            case "reject":
                return {"ErrorCode": 300, "Message": "Invalid email request: Provide either email TextBody or HtmlBody or both."}
            case "gone":
                return {
                    "ErrorCode": 406,
                    "Message": "You tried to send to a recipient that has been marked as inactive. Found inactive addresses: "
                    f"{address}. Inactive recipients are ones that have generated a hard bounce or a spam complaint.",
                }
            case "defer":
                return {"ErrorCode": 100, "Message": "The Postmark API is offline for maintenance."}
            case "busy":
                return {"ErrorCode": 429, "Message": "Rate limit exceeded"}
        taken = self.take(
            id=f"00000000-0000-0000-0000-{len(self.taken) + 1:012d}", address=address, sender=mail["From"],
            subject=mail["Subject"], text=mail.get("TextBody", ""), html=mail.get("HtmlBody", ""),
            token=mail.get("Metadata", {}).get(self.token_name, ""),
            headers={one["Name"]: one["Value"] for one in mail.get("Headers", ())},
        )  # fmt: skip
        return {
            "ErrorCode": 0, "Message": "OK", "MessageID": taken.id, "SubmittedAt": _now(), "To": address,
        }  # fmt: skip

    def tell(self, news: News, mail: Mail) -> tuple[Mapping[str, str], bytes]:
        common = {"MessageID": mail.id, "Metadata": {self.token_name: mail.token}, "ServerID": 1, "MessageStream": "outbound"}
        bounce = {"ID": mail.n, "Email": mail.address, "BouncedAt": _now(), "Subject": mail.subject}
        records: dict[News, dict[str, Any]] = {
            "delivered": {"RecordType": "Delivery", "Recipient": mail.address, "DeliveredAt": _now(), "Details": "250 OK"},
            "bounced": bounce | {"RecordType": "Bounce", "Type": "HardBounce", "TypeCode": 1, "Details": "550 no such user"},
            "deferred": bounce | {"RecordType": "Bounce", "Type": "Transient", "TypeCode": 2, "Details": "451 later"},
            "complained": bounce | {"RecordType": "SpamComplaint", "Type": "SpamComplaint", "TypeCode": 512},
            "opened": {"RecordType": "Open", "Recipient": mail.address, "ReceivedAt": _now(), "UserAgent": "Sandbox"},
            "clicked": {
                "RecordType": "Click", "Recipient": mail.address, "ReceivedAt": _now(), "OriginalLink": "https://shop.example/"
            },
            "unsubscribed": {
                "RecordType": "SubscriptionChange", "Recipient": mail.address, "ChangedAt": _now(), "SuppressSending": True,
                "SuppressionReason": "ManualSuppression",
            },
        }  # fmt: skip
        headers = {"content-type": "application/json", "authorization": self._webhook}
        return headers, msgspec.json.encode(common | records[news])


def _now() -> str:
    return datetime.now(UTC).isoformat()
