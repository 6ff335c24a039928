"""Lines of CloudFront's logs: the Hive tutorial's, the standard (web) log, the real-time log.

Fields of the standard and the real-time log: Amazon CloudFront Developer Guide, "Access logs
(standard logs)" and "Use real-time access logs".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from stormlake.simulate.agents import Agent
from stormlake.simulate.draws import SECOND
from stormlake.simulate.shapes import write_lines


class LogFormat(StrEnum):
    """Formats of a CloudFront log."""

    LEGACY = "legacy"
    WEB = "web"
    REALTIME = "realtime"


WEB_FIELDS: Final = (
    "date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) "
    "cs(User-Agent) cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header "
    "cs-protocol cs-bytes time-taken x-forwarded-for ssl-protocol ssl-cipher "
    "x-edge-response-result-type cs-protocol-version fle-status fle-encrypted-fields c-port "
    "time-to-first-byte x-edge-detailed-result-type sc-content-type sc-content-len sc-range-start "
    "sc-range-end"
)
"""The 33 fields of a standard log, between blanks."""

REALTIME_FIELDS: Final = (
    "timestamp c-ip time-to-first-byte sc-status sc-bytes cs-method cs-protocol cs-host "
    "cs-uri-stem cs-bytes x-edge-location x-edge-request-id x-host-header time-taken "
    "cs-protocol-version c-ip-version cs-user-agent cs-referer cs-cookie cs-uri-query "
    "x-edge-response-result-type x-forwarded-for ssl-protocol ssl-cipher x-edge-result-type "
    "fle-encrypted-fields fle-status sc-content-type sc-content-len sc-range-start "
    "sc-range-end c-port x-edge-detailed-result-type c-country cs-accept-encoding cs-accept "
    "cache-behavior-path-pattern cs-headers cs-header-names cs-headers-count"
)
"""The 40 fields of a real-time log, between blanks; its records carry no header."""

HOST: Final = "d1stormlakesim.cloudfront.net"


@dataclass(frozen=True)
class Request:
    """One request that was answered with 200.

    Parameters
    ----------
    micros : int
        When, microseconds since 1970-01-01 UTC.
    time : str
        The same as ISO 8601 text to the millisecond, without a zone.
    agent : Agent
    edge : str
        Edge location such as LHR3.
    path : str
    size : int
        Of the content, bytes.
    client, port : str, int
        Who asked.
    hit : bool
        Whether it lay in the cache.
    seconds : float
        How long it took.
    number : str
        A UUID.
    """

    micros: int
    time: str
    agent: Agent
    edge: str
    path: str
    size: int
    client: str
    port: int
    hit: bool
    seconds: float
    number: str


def web_log(lines: list[str]) -> bytes:
    """Write a standard log: its two header lines, then the lines."""
    return write_lines(["#Version: 1.0", f"#Fields: {WEB_FIELDS}", *lines])


def legacy_line(request: Request) -> str:
    """Write the 11 fields of the tutorial's log."""
    day, _, time = request.time.partition("T")
    return "\t".join(
        (
            day,
            time[:8],
            request.edge,
            str(request.size),
            request.client,
            "GET",
            HOST,
            request.path,
            "200",
            "-",
            request.agent.text,
        )
    )


def _common(request: Request) -> dict[str, str]:
    """Fields that both of today's formats have, by the standard log's names."""
    result = "Hit" if request.hit else "Miss"
    return {
        "x-edge-location": f"{request.edge}-P1",
        "sc-bytes": str(request.size + 400),
        "c-ip": request.client,
        "cs-method": "GET",
        "cs-uri-stem": request.path,
        "sc-status": "200",
        "x-edge-result-type": result,
        "x-edge-response-result-type": result,
        "x-edge-detailed-result-type": result,
        "x-edge-request-id": f"{request.number.replace('-', '')}Simulated==",
        "x-host-header": HOST,
        "cs-protocol": "https",
        "cs-bytes": "311",
        "time-taken": f"{request.seconds:.3f}",
        "time-to-first-byte": f"{request.seconds:.3f}",
        "ssl-protocol": "TLSv1.3",
        "ssl-cipher": "TLS_AES_128_GCM_SHA256",
        "cs-protocol-version": "HTTP/2.0",
        "c-port": str(request.port),
        "sc-content-type": "image/png",
        "sc-content-len": str(request.size),
    }


def _web_line(request: Request) -> str:
    day, _, time = request.time.partition("T")
    told = {
        **_common(request),
        "date": day,
        "time": time[:8],
        "cs(Host)": HOST,
        "cs(User-Agent)": request.agent.text,
    }
    return "\t".join(told.get(name, "-") for name in WEB_FIELDS.split())


def _realtime_line(request: Request) -> str:
    told = {
        **_common(request),
        "timestamp": f"{request.micros // SECOND}.{request.micros // 1000 % 1000:03d}",
        "cs-host": HOST,
        "c-ip-version": "IPv4",
        "cs-user-agent": request.agent.text,
        "c-country": "US",
        "cs-accept-encoding": "gzip,%20br",
        "cs-accept": "*/*",
        "cache-behavior-path-pattern": "*",
    }
    return "\t".join(told.get(name, "-") for name in REALTIME_FIELDS.split())


LINES: Final[Mapping[LogFormat, Callable[[Request], str]]] = {
    LogFormat.LEGACY: legacy_line,
    LogFormat.WEB: _web_line,
    LogFormat.REALTIME: _realtime_line,
}
"""What writes a request in a format."""
