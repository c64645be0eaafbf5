"""What the emulators have in common: the server, the troubles, what was taken, and the news posted back."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from email import message_from_bytes
from email.policy import default
from typing import Any, Literal

import httpx2
import msgspec

from antiphon.sandbox.mailapi.faults import ApiFault, ApiRates, fault_of
from antiphon.sandbox.web import Request, Response, WebServer

HANG = 600.0  # seconds for which nothing is said; senders give up long before
WAIT = "7"  # seconds a busy API asks for
News = Literal["delivered", "bounced", "complained", "opened", "clicked", "unsubscribed", "deferred"]


class Mail(msgspec.Struct, frozen=True, kw_only=True):
    """A message that was taken."""

    n: int
    id: str
    address: str
    sender: str
    subject: str
    text: str
    html: str
    token: str
    headers: Mapping[str, str] = {}


class Post(msgspec.Struct, frozen=True, kw_only=True):
    """News as it is posted: what of, and the answer (0: none came)."""

    news: News
    address: str
    body: bytes
    headers: Mapping[str, str]
    status: int = 0


class MailApi(ABC):
    """One provider's API. `start`, then it answers until `close`."""

    token_name = "antiphon_token"  # noqa: S105  the name senders give their word

    def __init__(
        self, *, callback: str = "", rates: ApiRates | None = None, seed: int = 1, hang_seconds: float = HANG,
        callback_delay: float = 0.0, answer_delay: float = 0.0,
    ) -> None:  # fmt: skip
        self.callback = callback
        self.taken: list[Mail] = []
        self.seen: list[Any] = []
        self.posted: list[Post] = []
        self.faults: dict[str, ApiFault] = {}
        self.locked_out = False
        self.most_at_once = 0
        self._at_once = 0
        self._rates = rates or ApiRates()
        self._seed = seed
        self._hang = hang_seconds
        self._callback_delay = callback_delay
        self.answer_delay = answer_delay
        self._server = WebServer(self._answer)
        self._posting: set[asyncio.Task[None]] = set()
        self._client: httpx2.AsyncClient | None = None

    # --- what an API says

    @abstractmethod
    def authorized(self, request: Request) -> bool:
        """Whether its credentials are good."""

    @abstractmethod
    def forbidden(self) -> Response:
        """The answer to bad ones."""

    @abstractmethod
    async def serve(self, request: Request) -> Response | None:
        """The answer to a request with good ones."""

    @abstractmethod
    def summary(self, request: Request) -> Any:
        """What is remarkable in a request, the same for the same request at any time."""

    @abstractmethod
    def tell(self, news: News, mail: Mail) -> tuple[Mapping[str, str], bytes]:
        """The headers and body this API would post."""

    # --- running

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.port}"

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listen; the port it got. Raises OSError when it is taken."""
        return await self._server.start(host, port)

    async def close(self) -> None:
        """Stop, and post no more."""
        await self._server.close()
        for task in list(self._posting):
            task.cancel()
        await asyncio.gather(*self._posting, return_exceptions=True)
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def quiet(self, seconds: float = 10.0) -> None:
        """Wait until all news so far was posted."""
        if self._posting:
            await asyncio.wait(list(self._posting), timeout=seconds)

    async def _answer(self, request: Request) -> Response | None:
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            if self.answer_delay:
                await asyncio.sleep(self.answer_delay)
            good = not self.locked_out and self.authorized(request)
            self.seen.append((request.method, request.path, good, self.summary(request)))
            return await self.serve(request) if good else self.forbidden()
        finally:
            self._at_once -= 1

    def fault(self, address: str) -> ApiFault | None:
        """The trouble of an address."""
        return self.faults.get(address.lower()) or fault_of(self._seed, self._rates, address)

    def take(self, **fields: Any) -> Mail:
        """Take responsibility for a message, and tell what became of it."""
        mail = Mail(n=len(self.taken) + 1, **fields)
        self.taken.append(mail)
        trouble = self.fault(mail.address)
        if self.callback:
            news: Sequence[News] = ("bounced",) if trouble == "bounce" else ("delivered",)
            for one in (*news, "complained") if trouble == "complain" else news:
                self.post(one, mail)
        return mail

    async def silence(self) -> None:
        """Say nothing for as long as senders wait."""
        await asyncio.sleep(self._hang)

    def post(self, news: News, mail: Mail) -> None:
        """Post news of a message, in a while."""
        task = asyncio.create_task(self._post(news, mail))
        self._posting.add(task)
        task.add_done_callback(self._posting.discard)

    async def _post(self, news: News, mail: Mail) -> None:
        await asyncio.sleep(self._callback_delay)
        headers, body = self.tell(news, mail)
        if self._client is None:
            self._client = httpx2.AsyncClient(trust_env=False, timeout=10.0)
        status = 0
        try:
            status = (await self._client.post(self.callback, content=body, headers=dict(headers))).status_code
        except httpx2.HTTPError:
            pass
        self.posted.append(Post(news=news, address=mail.address, body=body, headers=headers, status=status))


def read_mime(raw: bytes) -> tuple[Mapping[str, str], str, str]:
    """A message's headers (its signature left away), text and HTML, by the standard library's parser."""
    mail = message_from_bytes(raw, policy=default)
    headers = {name: str(value) for name, value in mail.items()}
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    return headers, str(text.get_content()) if text else "", str(html.get_content()) if html else ""


def json_of(request: Request) -> Any:
    """The JSON of a request's body; None without one."""
    try:
        return msgspec.json.decode(request.body) if request.body else None
    except msgspec.DecodeError:
        return "not JSON"
