"""CloudFront logs: no client's address in what is written of them."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stormlake.sensors.cloudfront import LogOptions
from stormlake.simulate.log_lines import REALTIME_FIELDS, WEB_FIELDS
from tests.sensors.test_cloudfront import STRICT, read

WEB = WEB_FIELDS.split()
REAL_TIME = REALTIME_FIELDS.split()
FORMATS = {"legacy": WEB[:11], "web of 24": WEB[:24], "web of 33": WEB, "real-time": REAL_TIME}
V4, V6 = "203.0.113.9", "2001:db8::9:7"
ADDRESSES = (V4, V6, "198.51.100.7", "2001:0db8:0000:0000:0000:0000:0009:0007")
VALUES = {
    "date": "2014-07-05",
    "time": "20:00:00",
    "timestamp": "1607374321.541",
    "sc-bytes": "4260",
    "sc-status": "200",
    "cs-uri-query": "q=1",
}
AGENTS = (
    "Mozilla/5.0%20(compatible)",
    "Mozilla/5.0%20(compatible",
    "Mozilla/5.0%20(X11)%20Gecko/1%20Firefox/2",
    "Mozilla/5.0%20(X11;%20Linux)%20Gecko/1%20Firefox/83.0",
    "Mozilla/5.0%2520(iPhone;%2520CPU)%2520Safari/602.1",
    "Mozilla/5.0%20(",
    "curl/8.5.0",
    "-",
)
FORWARDED = ("{}", "{},%20{}", "{},%20{}/x", "{};%20{}%20b/1", "({};%20x)%20b/1", "%20({})%20b/1")


def row(names: list[str], agent: str, client: str, forwarded: str) -> str:
    special = {
        "c-ip": client,
        "x-forwarded-for": forwarded,
        "cs-user-agent": agent,
        "cs(User-Agent)": agent,
    }
    return "\t".join((VALUES | special).get(name, "-") for name in names)


def without_semicolon(names: list[str]) -> str:
    return row(names, AGENTS[0], V4, f"{V4},%20198.51.100.7/x")


@pytest.mark.parametrize("names", [WEB[:24], WEB], ids=["24 fields", "33 fields"])
def test_a_strict_os_that_runs_on_into_the_addresses_is_null_and_the_request_counts(
    names: list[str],
) -> None:
    rows, rejects, _ = read(without_semicolon(names), STRICT)
    assert rejects == []
    assert [(row["os"], row["os_family"], row["status"]) for row in rows] == [(None, "Other", 200)]


@pytest.mark.parametrize(
    ("agent", "found"),
    [
        ("Mozilla/5.0%20(Mac%20OS%20X;%20x)%20A/1", ("Mac%20OS%20X", "macOS")),
        ("Mozilla/5.0%20(X11%20A/1", ("X11", "Linux")),
        ("Mozilla/5.0%20(X11)%20A/1", (None, "Other")),
        ("Mozilla/5.0%20(Linux)%20A/1%20(iPhone;%20x)%20B/2", (None, "Other")),
    ],
)
def test_a_strict_os_is_what_the_expression_has_unless_it_leaves_its_parenthesis(
    agent: str, found: tuple[str | None, str]
) -> None:
    rows, rejects, _ = read(row(WEB[:11], agent, V4, "-"), STRICT)
    assert rejects == []
    assert [(row["os"], row["os_family"]) for row in rows] == [found]


@st.composite
def _logs(draw: st.DrawFn) -> tuple[str, LogOptions]:
    """A few rows of one format, some damaged, and a way to read them."""
    names = FORMATS[draw(st.sampled_from(list(FORMATS)))]
    lines = []
    for _ in range(draw(st.integers(1, 4))):
        one, other = draw(st.sampled_from(ADDRESSES)), draw(st.sampled_from(ADDRESSES))
        forwarded = draw(st.sampled_from(FORWARDED)).format(one, other)
        fields = row(names, draw(st.sampled_from(AGENTS)), one, forwarded).split("\t")
        damage = draw(st.sampled_from(["none", "none", "field lost", "number", "time"]))
        if damage == "field lost":
            del fields[draw(st.integers(0, 3))]
        elif damage != "none":
            place = {"number": "sc-bytes", "time": names[0]}[damage]
            fields[names.index(place)] = one
        lines.append("\t".join(fields))
    header = draw(st.booleans())
    # A stream's lines have no header: its names are given.
    plain = LogOptions() if header else LogOptions(fields=tuple(names))
    options = draw(st.sampled_from([plain, LogOptions(), STRICT]))
    return "\n".join([f"#Fields: {' '.join(names)}"] * header + lines), options


@given(_logs())
@example((without_semicolon(WEB[:24]), STRICT))
@example((without_semicolon(WEB), STRICT))
def test_no_address_is_in_an_os_or_in_the_detail_of_a_reject(log: tuple[str, LogOptions]) -> None:
    data, options = log
    rows, rejects, _ = read(data, options)
    assert len(rows) + sum(reject.records for reject in rejects) == sum(
        not line.startswith("#") for line in data.split("\n")
    )
    written = [str(row[name]) for row in rows for name in ("os", "os_family")]
    written += [reject.detail for reject in rejects]
    for text in written:
        assert not any(address in text for address in ADDRESSES)
    assert all(reject.data == b"" for reject in rejects)
