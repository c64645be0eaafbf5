"""Calling out over HTTP: the one client that webhooks and providers use, which never reaches into our own network.

A name is resolved here, each of its addresses is judged, and the connection goes to the address that was judged, so that a
name which answers differently the second time (DNS rebinding) gains nothing; a redirect is followed only where that was
asked for, and is judged like a first call. The operator names inside hosts that may be called: `outbound_hosts`.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import httpcore2
import httpx2
import msgspec

from antiphon.foundation.errors import Invalid, Unavailable

AGENT = "Antiphon/0.1"
PORTS = frozenset({80, 443, 8080, 8443})  # of hosts that are not named; other services do not expect callers like us
MOST = 1_000_000  # bytes of an answer that are read
_METADATA = frozenset({"168.63.129.16", "100.100.100.200", "192.0.0.192"})  # clouds' own services at public-looking addresses
_NAT64 = ipaddress.ip_network("64:ff9b::/96")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class OutboundRefused(Invalid):
    """{host} may not be called: {cause}."""

    code = "outbound-refused"


class OutboundFailed(Unavailable):
    """{host} could not be called: {cause}."""

    code = "outbound-failed"
    permanent = False

    def __init__(self, detail: str | None = None, *, reached: bool = False, timeout: bool = False, **facts: Any) -> None:
        super().__init__(detail, **facts)
        self.reached = reached  # the request, or a part of it, was on its way: whether it was taken is unknown
        self.timeout = timeout


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What the other side said: header names in lower case, at most ``limit`` bytes of its body (``cut`` if it had more)."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str
    cut: bool = False

    @property
    def ok(self) -> bool:
        """Whether it agreed (2xx)."""
        return 200 <= self.status < 300

    @property
    def retry_after(self) -> float | None:
        """The seconds it asked us to wait, if it said so in seconds."""
        said = self.headers.get("retry-after", "")
        return float(said) if said.isascii() and said.isdigit() and len(said) < 8 else None


class Policy:
    """Which addresses may be called: public ones, and the inside ones the operator named by host, host:port or network."""

    def __init__(self, named: Iterable[str] = ()) -> None:
        self._hosts: set[str] = set()
        self._networks: list[ipaddress.IPv4Network | ipaddress.IPv6Network] = []
        for one in named:
            try:
                self._networks.append(ipaddress.ip_network(one))
            except ValueError:
                self._hosts.add(one.lower())

    def names(self, host: str, port: int) -> bool:
        """Whether the operator named this host."""
        return host.lower() in self._hosts or f"{host.lower()}:{port}" in self._hosts

    def refuses(self, host: str, port: int, address: Address) -> str | None:
        """Why this address of a host may not be called, or None."""
        if self.names(host, port) or any(address in network for network in self._networks):
            return None
        inside = _inside(address)
        if inside is not None:
            return inside
        return None if port in PORTS else f"port {port} is not one of the web's"


def _inside(address: Address) -> str | None:
    for one in _meant(address):
        if str(one) in _METADATA:
            return f"{one} is a cloud's own service"
        if one.is_multicast or one.is_reserved or not one.is_global or (one.version == 6 and one.is_site_local):
            return f"{one} is not a public address"
    return None


def _meant(address: Address) -> Iterator[Address]:
    """The address, and the IPv4 address that an IPv6 one stands for."""
    yield address
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            yield address.ipv4_mapped
        if address.sixtofour:
            yield address.sixtofour
        if address.teredo:
            yield from address.teredo
        if address in _NAT64:
            yield ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)


_policy = Policy()


def permit(named: Iterable[str]) -> None:
    """Set the inside hosts this process may call: once, at its start, from `outbound_hosts`."""
    global _policy
    _policy = Policy(named)


@contextmanager
def permitting(named: Iterable[str]) -> Iterator[None]:
    """`permit` for a while: for tests and emulators on loopback."""
    global _policy
    before, _policy = _policy, Policy(named)
    try:
        yield
    finally:
        _policy = before


def check_url(url: str, *, https: bool = False) -> httpx2.URL:
    """An address that can be called at all: http or https, a host, no user name. What it resolves to is judged at the call.
    Raises `OutboundRefused`."""
    try:
        parsed = httpx2.URL(url)
    except (httpx2.InvalidURL, ValueError) as bad:
        raise OutboundRefused(host=url[:100], cause="it is not an address") from bad
    if parsed.scheme not in (("https",) if https else ("http", "https")) or not parsed.host:
        raise OutboundRefused(host=url[:100], cause=f"it is not an address of {'https' if https else 'the web'}")
    if parsed.userinfo:
        raise OutboundRefused(host=parsed.host, cause="its address holds a user name")
    return parsed


async def resolve(host: str, port: int) -> Sequence[str]:
    """A host's addresses, all of them judged. Raises `OutboundRefused`; OSError if there is no such name."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    addresses = list(dict.fromkeys(str(info[4][0]).partition("%")[0] for info in found))
    for one in addresses:
        if (cause := _policy.refuses(host, port, ipaddress.ip_address(one))) is not None:
            raise OutboundRefused(host=host, cause=cause)
    return addresses


class _Judged(httpcore2.AsyncNetworkBackend):
    """Connects to the very address that was judged; TLS still asks for the name."""

    def __init__(self) -> None:
        self._backend = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:  # fmt: skip
        try:
            addresses = await asyncio.wait_for(resolve(host, port), timeout)
        except TimeoutError as late:
            raise httpcore2.ConnectTimeout("its name was not resolved in time") from late
        except (OSError, UnicodeError) as failed:
            raise httpcore2.ConnectError("there is no such name") from failed
        failure: Exception | None = None
        for address in addresses:
            try:
                return await self._backend.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as failed:
                failure = failed
        raise failure or httpcore2.ConnectError("there is no such name")

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore2.AsyncNetworkStream:
        raise OutboundRefused(host=path, cause="it is not an address of the web")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class _Transport(httpx2.AsyncHTTPTransport):
    def __init__(self, verify: ssl.SSLContext | bool, connections: int, http2: bool) -> None:
        super().__init__(verify=verify, trust_env=False, http2=http2)
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=httpx2.create_ssl_context(verify=verify, trust_env=False),
            max_connections=connections,
            max_keepalive_connections=connections,
            keepalive_expiry=20.0,
            http2=http2,
            network_backend=_Judged(),
        )


class Outbound:
    """A client that calls out. One for an account (or a provider); it keeps its connections until `close`.

    ``timeout`` is for each wait (a connection, a write, a read), seconds. Nothing is taken from the environment: no proxy,
    no netrc. Never follows a redirect unless told how many.
    """

    def __init__(self, *, timeout: float = 30.0, connections: int = 20, http2: bool = False, verify: bool = True) -> None:
        self._timeout = timeout
        self._client = httpx2.AsyncClient(
            transport=_Transport(verify, connections, http2), trust_env=False, timeout=timeout, follow_redirects=False,
            headers={"user-agent": AGENT, "accept-encoding": "identity"},
        )  # fmt: skip

    async def call(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, content: bytes = b"",
        timeout: float | None = None, limit: int = MOST, redirects: int = 0,
    ) -> Answer:  # fmt: skip
        """One request and its answer. Raises `OutboundRefused` before anything was sent, `OutboundFailed`: its ``reached`` says
        whether the other side may have taken the request."""
        checked = check_url(url)
        for _ in range(redirects + 1):
            answer = await self._once(method, checked, headers, content, timeout, limit)
            onward = answer.headers.get("location", "")
            if answer.status not in (301, 302, 303, 307, 308) or not onward or redirects == 0:
                return answer
            further = check_url(str(checked.join(onward)), https=checked.scheme == "https")
            if further.host != checked.host:
                headers = {k: v for k, v in (headers or {}).items() if k.lower() not in ("authorization", "cookie")}
            if answer.status == 303 or (answer.status in (301, 302) and method == "POST"):
                method, content = "GET", b""
            checked = further
        raise OutboundRefused(host=checked.host, cause="it leads on and on")

    async def _once(
        self, method: str, url: httpx2.URL, headers: Mapping[str, str] | None, content: bytes, timeout: float | None, limit: int
    ) -> Answer:
        wait = httpx2.Timeout(timeout) if timeout is not None else httpx2.USE_CLIENT_DEFAULT
        request = self._client.build_request(method, url, headers=dict(headers or {}), content=content, timeout=wait)
        try:
            async with asyncio.timeout((timeout or self._timeout) * 3):
                response = await self._client.send(request, stream=True)
                try:
                    body, cut = await _read(response, limit)
                finally:
                    await response.aclose()
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.UnsupportedProtocol) as failed:
            late = isinstance(failed, httpx2.TimeoutException)
            raise OutboundFailed(host=url.host, cause=str(failed)[:200] or "no connection", timeout=late) from failed
        except (httpx2.TimeoutException, TimeoutError) as failed:
            raise OutboundFailed(host=url.host, cause="no answer in time", reached=True, timeout=True) from failed
        except httpx2.HTTPError as failed:
            raise OutboundFailed(host=url.host, cause=str(failed)[:200] or type(failed).__name__, reached=True) from failed
        except httpx2.InvalidURL as failed:
            raise OutboundRefused(host=url.host, cause="it is not an address") from failed
        return Answer(
            status=response.status_code, headers={name.lower(): value for name, value in response.headers.items()}, body=body,
            url=str(url), cut=cut,
        )  # fmt: skip

    async def close(self) -> None:
        """Close every connection."""
        await self._client.aclose()


async def _read(response: httpx2.Response, limit: int) -> tuple[bytes, bool]:
    parts: list[bytes] = []
    size = 0
    async for part in response.aiter_raw():
        parts.append(part)
        size += len(part)
        if size > limit:
            return b"".join(parts)[:limit], True
    return b"".join(parts), False


@asynccontextmanager
async def outbound(**options: Any) -> AsyncIterator[Outbound]:
    """An `Outbound` for a while."""
    client = Outbound(**options)
    try:
        yield client
    finally:
        await client.close()
