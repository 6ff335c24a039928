"""CloudFront logs: every format, every reason, nothing lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stormlake.errors import RefusedInput
from stormlake.sensors.cloudfront import LINE_BYTES, LogFile, LogOptions
from stormlake.sensors.hive_tutorial import match_line
from stormlake.sensors.outcomes import Reason, Reject
from stormlake.sensors.requests import RequestRecords
from stormlake.sensors.views import REQUEST_RECORDS
from tests.data import shared
from tests.sensors.reading import read_bytes

NAMES = [column.name for column in REQUEST_RECORDS]
STRICT = LogOptions(strict_regex=True)
HEADER = (
    "#Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status"
    " cs(Referer) cs(User-Agent) cs-uri-query"
)
RTMP = "#Fields: date time x-edge-location c-ip x-event sc-bytes"
ADDRESS = "203.0.113.77"
LEGACY_AGENT = (
    "Mozilla/5.0%20({};%20U;%20Windows%20NT%205.1;%20en-US;%20rv:1.9.0.9)"
    "%20Gecko/2009040821%20IE/3.0.9"
)


def read(
    data: bytes | str, options: LogOptions | None = None
) -> tuple[list[dict[str, object]], list[Reject], LogFile]:
    """Rows by column name, rejects, and the reader, of one log object."""
    data = data.encode() if isinstance(data, str) else data
    log = LogFile(options or LogOptions())
    rows, rejects, offset = [], [], 0
    for raw in data.split(b"\n"):
        found = log.line(raw, offset)
        offset += len(raw) + 1
        if isinstance(found, Reject):
            rejects.append(found)
        elif found is not None:
            rows.append(dict(zip(NAMES, found, strict=True)))
    return rows, rejects + log.finish(), log


def picked(rows: Iterable[dict[str, object]], *names: str) -> list[tuple[object, ...]]:
    return [tuple(row[name] for name in names) for row in rows]


def reasons(rejects: Iterable[Reject]) -> list[Reason]:
    return [reject.reason for reject in rejects]


def moment(row: dict[str, object]) -> datetime:
    micros = row["event_time"]
    assert isinstance(micros, int)
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)


def legacy(**changes: str) -> str:
    fields = {
        "date": "2014-07-05",
        "time": "20:00:00",
        "location": "LHR3",
        "bytes": "4260",
        "ip": ADDRESS,
        "method": "GET",
        "host": "eabcd12345678.cloudfront.net",
        "uri": "/test-image-1.jpeg",
        "status": "200",
        "referrer": "-",
        "agent": LEGACY_AGENT.format("Linux"),
    }
    return "\t".join((fields | changes).values())


def web(**changes: str) -> str:
    agent = "Mozilla/5.0%20(X11;%20Linux)%20Gecko/1%20Firefox/83.0"
    return legacy(**({"agent": agent} | changes)) + "\t-"


# Real files


def test_the_tutorials_lines_give_its_columns() -> None:
    rows, rejects, _ = read(shared("cloudfront", "hive_tutorial_first3lines.tsv").read_bytes())
    assert rejects == []
    assert picked(rows, "os", "browser", "browser_version", "bytes", "status") == [
        ("MacOS", "IE", "3.0.9", 4260, 200),
        ("Linux", "Chrome", "3.0.9", 10, 304),
        ("Android", "Opera", "3.0.9", 4252, 200),
    ]
    assert rows[0] == {
        "date": (date(2014, 7, 5) - date(1970, 1, 1)).days,
        "time": "20:00:00",
        "event_time": 1_404_590_400_000_000,
        "location": "LHR3",
        "bytes": 4260,
        "request_ip": "10.0.0.15",
        "method": "GET",
        "host": "eabcd12345678.cloudfront.net",
        "uri": "/test-image-1.jpeg",
        "status": 200,
        "referrer": "-",
        "os": "MacOS",
        "os_family": "macOS",
        "browser": "IE",
        "browser_version": "3.0.9",
        "request_id": None,
    }


def test_the_web_sample_gives_two_rows_of_an_iphone() -> None:
    rows, rejects, log = read(shared("cloudfront", "node-parser_web-1-0.txt").read_bytes())
    assert (rejects, log.comments) == ([], 2)
    assert picked(rows, "os", "os_family", "bytes", "status", "time") == [
        ("iPhone", "iOS", 182, 200, "01:13:11"),
        ("iPhone", "iOS", 2390282, 304, "01:13:12"),
    ]
    assert picked(rows, "browser", "browser_version") == [("Safari", "602.1")] * 2
    assert moment(rows[0]) == datetime(2014, 5, 23, 1, 13, 11, tzinfo=UTC)
    assert rows[0]["request_id"] == "MRVMF7KydIvxMWfJIglgwHQwZsbG2IhRJ07sn9AkKUFSHS9EXAMPLE=="


def test_the_rtmp_sample_is_one_reject_of_six_records() -> None:
    data = shared("cloudfront", "node-parser_rtmp-1-0.txt").read_bytes()
    rows, rejects, log = read(data)
    assert (rows, log.comments) == ([], 2)
    (reject,) = rejects
    assert (reject.reason, reject.records) == (Reason.UNSUPPORTED_FORMAT, 6)
    assert reject.offset == data.index(b"2010-03-12")
    assert reject.offset + (reject.length or 0) == len(data.rstrip(b"\n"))
    assert log.finish() == []


def test_the_real_time_sample_gives_one_row_with_its_milliseconds() -> None:
    rows, rejects, _ = read(shared("cloudfront", "node-parser_kinesis-1-0.txt").read_bytes())
    assert rejects == []
    (row,) = rows
    assert moment(row) == datetime(2020, 12, 7, 20, 52, 1, 541000, tzinfo=UTC)
    assert row["date"] == (date(2020, 12, 7) - date(1970, 1, 1)).days
    assert picked([row], "time", "os", "os_family", "browser", "bytes", "status", "location") == [
        ("20:52:01", "Macintosh", "macOS", "Firefox", 485, 200, "EWR52-C4")
    ]
    assert picked([row], "request_ip", "host", "referrer", "request_id") == [
        (
            "127.0.0.1",
            "test.cloudfront.net",
            "http://localhost:5000/page-2",
            "6PfZe0cc_AjXUjFuGnL9pGOmFdUx8xR8ZU8nr44JYJWi-DaeJjcxkw==",
        )
    ]


def test_a_real_time_line_without_header_needs_the_names_of_its_fields() -> None:
    lines = shared("cloudfront", "node-parser_kinesis-1-0.txt").read_text().splitlines()
    names = tuple(lines[1].removeprefix("#Fields:").split())
    with_header = read("\n".join(lines))[0]
    assert read(lines[2], LogOptions(fields=names))[0] == with_header
    rows, rejects, _ = read(lines[2])
    assert (rows, reasons(rejects)) == ([], [Reason.NO_FIELDS_HEADER])


def test_the_strict_expression_misreads_a_real_time_line_and_its_time_gives_it_away() -> None:
    rows, rejects, log = read(
        shared("cloudfront", "node-parser_kinesis-1-0.txt").read_bytes(), STRICT
    )
    assert (rows, reasons(rejects), log.comments) == ([], [Reason.BAD_TIME], 2)


def test_the_strict_expression_does_not_match_doubly_encoded_agents() -> None:
    rows, rejects, log = read(shared("cloudfront", "node-parser_web-1-0.txt").read_bytes(), STRICT)
    assert (rows, reasons(rejects), log.comments) == ([], [Reason.NO_MATCH] * 2, 2)


# The tutorial's six counts

SIX = {"Linux": 813, "MacOS": 852, "OSX": 799, "iOS": 794, "Android": 855, "Windows": 883}
FIRST, LAST = date(2014, 7, 5), date(2014, 8, 5)


@pytest.mark.parametrize("options", [LogOptions(), STRICT], ids=["legacy", "strict"])
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_a_log_with_the_tutorials_counts_gives_exactly_them(options: LogOptions, end: str) -> None:
    tokens = [token for token, count in SIX.items() for _ in range(count)]
    lines = [
        legacy(date=str(FIRST + timedelta(days=place % 32)), agent=LEGACY_AGENT.format(token))
        for place, token in enumerate(tokens)
    ]
    lines += [legacy(date=day) for day in ["2014-07-04", "2014-08-06"] * 3 + ["2013-07-10"]]
    lines += [legacy(agent="curl/7.1")] * 5
    lines[100:100] = ["#Version: 1.0", "# a comment"]
    rows, rejects, log = read(end.join(lines) + end, options)
    epoch = date(1970, 1, 1).toordinal()
    inside = [
        row for row in rows if FIRST <= date.fromordinal(int(str(row["date"])) + epoch) <= LAST
    ]
    assert Counter(row["os"] for row in inside) == SIX
    assert len(inside) == 4996
    assert len(rows) == 4996 + 7
    assert Counter(row["os_family"] for row in inside) == {
        "Linux": 813,
        "macOS": 852 + 799,
        "iOS": 794,
        "Android": 855,
        "Windows": 883,
    }
    assert (reasons(rejects), log.comments) == ([Reason.NO_MATCH] * 5, 2)


# Formats and headers


def test_a_header_rules_over_eleven_fields_and_over_the_order_of_names() -> None:
    rows, rejects, _ = read(
        "#Fields: time date cs(User-Agent)\n20:00:00\t2014-07-05\tcurl/8\n" + legacy()
    )
    assert reasons(rejects) == [Reason.FIELD_COUNT]
    assert rejects[0].detail == "11 TAB-separated fields; expected 3, as the header names"
    assert picked(rows, "time", "location", "bytes", "status", "os", "os_family") == [
        ("20:00:00", None, None, None, None, "Other")
    ]


def test_a_header_in_the_middle_of_concatenated_logs_takes_over() -> None:
    real_time = "#Fields: timestamp sc-status\n1607374321.541\t404"
    rows, rejects, log = read(
        "\n".join([legacy(), HEADER, web(), RTMP, web(), "x", real_time, HEADER, web()])
    )
    assert [row["status"] for row in rows] == [200, 200, 404, 200]
    assert [(reject.reason, reject.records) for reject in rejects] == [
        (Reason.UNSUPPORTED_FORMAT, 2)
    ]
    assert log.comments == 4


def test_marks_that_nobody_sees_are_no_part_of_names_and_values() -> None:
    header = HEADER.replace("date", "da\u200bte\u200b")
    rows, rejects, log = read(header + "\r\n" + web(location="LHR\u200b3") + "\r\n")
    assert (picked(rows, "location"), rejects, log.comments) == ([("LHR3",)], [], 1)


def test_a_byte_order_mark_is_none_inside_a_log(tmp_path: Path) -> None:
    mark = "\ufeff"
    rows, rejects, _ = read("\n".join([HEADER, mark + web(), web()]))
    assert (len(rows), reasons(rejects)) == (1, [Reason.BAD_TIME])
    whole = read_bytes(tmp_path, f"{mark}{HEADER}\n{web()}\n".encode(), RequestRecords())
    assert (len(whole.rows), whole.rejects, whole.tally.comments) == (1, [], 1)


def test_a_dash_is_null_in_a_log_with_a_header() -> None:
    dashes = dict.fromkeys(
        ["location", "bytes", "ip", "method", "host", "uri", "status", "referrer", "agent"], "-"
    )
    rows, rejects, _ = read(HEADER + "\n" + web(**dashes))
    assert rejects == []
    assert list(rows[0].values())[3:] == [None] * 9 + ["Other", None, None, None]


def test_a_request_without_parenthesis_counts_where_a_header_names_the_fields() -> None:
    rows, rejects, _ = read(HEADER + "\n" + web(agent="curl/8.5.0"))
    assert rejects == []
    assert picked(rows, "os", "os_family", "browser") == [(None, "Other", None)]


def test_a_header_without_a_time_gives_no_rows() -> None:
    rows, rejects, _ = read("#Fields: date sc-status\n2014-07-05\t200")
    assert (rows, reasons(rejects)) == ([], [Reason.MISSING_FIELD])


def test_a_header_without_names_leaves_no_header() -> None:
    rows, rejects, _ = read(HEADER + "\n#Fields:\n" + web())
    assert (rows, reasons(rejects)) == ([], [Reason.NO_FIELDS_HEADER])


@pytest.mark.parametrize(
    "options",
    [{"fields": ("sc-status",)}, {"fields": ("timestamp",), "strict_regex": True}],
    ids=["no time", "with strict_regex"],
)
def test_options_that_contradict_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(RefusedInput, match="--fields"):
        LogOptions(**options)  # type: ignore[arg-type]


# Values


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        ("1607374321.541", 1_607_374_321_541_000),
        ("1607374321", 1_607_374_321_000_000),
        ("1607374321.", 1_607_374_321_000_000),
        ("1607374321.0000019", 1_607_374_321_000_001),
        ("0.000001", 1),
        ("253370764799.999999", 253_370_764_799_999_999),
    ],
)
def test_epoch_seconds_become_microseconds_exactly(text: str, micros: int) -> None:
    rows, _, _ = read(f"#Fields: timestamp sc-status\n{text}\t200")
    assert rows[0]["event_time"] == micros


@given(st.integers(0, 253_370_764_799_999), st.sampled_from([3, 6]))
def test_any_milliseconds_survive(milliseconds: int, digits: int) -> None:
    seconds, rest = divmod(milliseconds, 1000)
    text = f"{seconds}.{rest:03}" + "0" * (digits - 3)
    rows, _, _ = read(f"#Fields: timestamp sc-status\n{text}\t200")
    assert rows[0]["event_time"] == milliseconds * 1000


@pytest.mark.parametrize("text", ["-", "", "-1", "now", "1e9", "253370764800", "1,5", "9" * 5000])
def test_a_timestamp_that_is_none_is_a_bad_time(text: str) -> None:
    assert reasons(read(f"#Fields: timestamp sc-status\n{text}\t200")[1]) == [Reason.BAD_TIME]


BAD_TIMES = [
    {"date": "2014-02-30"},
    {"date": "2014-7-5"},
    {"date": "20140705"},
    {"date": "0000-01-01"},
    {"date": "0999-12-31"},
    {"date": "9999-01-01"},
    {"date": "-"},
    {"time": "24:00:00"},
    {"time": "23:59:60"},
    {"time": "20:00"},
    {"time": "-"},
]


@pytest.mark.parametrize("change", BAD_TIMES, ids=str)
def test_a_time_outside_calendar_and_clock_is_a_bad_time(change: dict[str, str]) -> None:
    for rejects in (read(legacy(**change))[1], read(HEADER + "\n" + web(**change))[1]):
        assert reasons(rejects) == [Reason.BAD_TIME]
        assert rejects[0].event_micros is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"bytes": "many"}, Reason.BAD_TYPE),
        ({"bytes": ""}, Reason.BAD_TYPE),
        ({"bytes": "1.5"}, Reason.BAD_TYPE),
        ({"bytes": str(2**63)}, Reason.BAD_TYPE),
        ({"bytes": "1" * 5000}, Reason.BAD_TYPE),
        ({"status": "OK"}, Reason.BAD_TYPE),
        ({"status": str(2**31)}, Reason.BAD_TYPE),
        ({"bytes": "-1"}, Reason.NEGATIVE),
        ({"status": "-1"}, Reason.NEGATIVE),
    ],
)
def test_a_number_that_cannot_be_used_is_a_reject_with_the_time_of_the_request(
    change: dict[str, str], reason: Reason
) -> None:
    (reject,) = read(HEADER + "\n" + web(**change))[1]
    assert (reject.reason, reject.event_micros) == (reason, 1_404_590_400_000_000)


def test_the_largest_numbers_are_kept() -> None:
    rows, _, _ = read(HEADER + "\n" + web(bytes=str(2**63 - 1), status="000"))
    assert picked(rows, "bytes", "status") == [(2**63 - 1, 0)]


def test_a_legacy_number_must_be_one_but_the_tutorial_shows_null() -> None:
    assert reasons(read(legacy(bytes="-"))[1]) == [Reason.BAD_TYPE]
    rows, rejects, _ = read(legacy(bytes="-", status=str(2**31)), STRICT)
    assert (picked(rows, "bytes", "status", "os"), rejects) == ([(None, None, "Linux")], [])


@pytest.mark.parametrize(
    "change", [{"uri": "/a b"}, {"referrer": ""}, {"uri": "/a\x0bb", "referrer": "a b"}], ids=str
)
def test_a_blank_inside_a_legacy_field_never_shifts_the_others(change: dict[str, str]) -> None:
    assert reasons(read(legacy(**change))[1]) == [Reason.NO_MATCH]


def test_the_tutorials_expression_lets_a_blank_shift_the_fields_and_loses_the_date() -> None:
    line = legacy(referrer="http://a b")
    groups = match_line(line)
    assert groups is not None
    assert groups[0] == "2014-07-05\t20:00:00"
    assert reasons(read(line, STRICT)[1]) == [Reason.BAD_TIME]


def test_bytes_that_are_no_utf8_are_a_reject_with_their_place() -> None:
    line = legacy(uri="/caf\u00e9").encode("latin-1")
    rows, rejects, _ = read(legacy().encode() + b"\n" + line)
    assert (len(rows), reasons(rejects)) == (1, [Reason.BAD_UTF8])
    assert (rejects[0].offset, rejects[0].length) == (len(legacy()) + 1, len(line))


def test_a_line_beyond_all_limits_is_too_large() -> None:
    assert reasons(read(legacy(uri="/" + "a" * LINE_BYTES))[1]) == [Reason.TOO_LARGE]


def test_a_reject_never_shows_a_clients_address() -> None:
    broken: Sequence[dict[str, str]] = [
        {"date": ADDRESS},
        {"time": ADDRESS},
        {"bytes": ADDRESS},
        {"status": ADDRESS},
        {"agent": ADDRESS},
        {"uri": f"{ADDRESS}\t{ADDRESS}"},
    ]
    for header in ("", HEADER + "\n", f"#Fields: {ADDRESS}\n", RTMP + "\n"):
        for options in (LogOptions(), STRICT):
            lines = "\n".join(make(**change) for change in broken for make in (legacy, web))
            for reject in read(header + lines, options)[1]:
                assert ADDRESS not in reject.detail
                assert reject.data == b""
                assert len(reject.detail) <= 200


# Nothing is lost

_real_lines = st.sampled_from(
    [legacy(), web(), HEADER, RTMP, "#Fields: timestamp sc-status", "1607374321.541\t200", "#", ""]
).map(str.encode)
_damaged = st.tuples(_real_lines, st.integers(0, 200), st.binary(max_size=4)).map(
    lambda parts: parts[0][: parts[1]] + parts[2] + parts[0][parts[1] + 1 :]
)
_any_lines = st.lists(_real_lines | _damaged | st.binary(max_size=40), max_size=12)
_options = st.sampled_from([LogOptions(), STRICT, LogOptions(fields=("timestamp", "sc-status"))])


@given(_any_lines, _options)
def test_rows_rejects_comments_and_blank_lines_add_up_to_the_lines(
    lines: list[bytes], options: LogOptions
) -> None:
    data = b"\n".join(lines)
    rows, rejects, log = read(data, options)
    blanks = sum(_is_blank(line, options) for line in data.split(b"\n"))
    told = sum(reject.records for reject in rejects)
    assert len(rows) + told + log.comments + blanks == data.count(b"\n") + 1
    for row in rows:
        assert isinstance(row["date"], int)
        assert isinstance(row["event_time"], int)


def _is_blank(raw: bytes, options: LogOptions) -> bool:
    text = raw.decode("utf-8", "replace")
    if not options.strict_regex:
        text = text.replace("\u200b", "")
    return not text.strip()
