"""Simulated logs, read by the tutorial's regular expression and by their own headers."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, date, datetime
from urllib.parse import unquote

import pytest

from stormlake.simulate.cloudfront import legacy_log, log_blocks
from stormlake.simulate.log_lines import REALTIME_FIELDS, WEB_FIELDS, LogFormat, web_log
from tests.data import shared

START = datetime(2026, 5, 1, 23, 59, 50, tzinfo=UTC)
FIELD = r"([^ ]+)\s+"
AGENT = r"[^\(]+[\(]([^\;]+).*\%20([^\/]+)[\/](.*)$"
TUTORIAL = re.compile(r"^(?!#)" + 10 * FIELD + AGENT)
"""Takes 5 ms for each line: a field may hold TABs, and so there are many ways to try."""
GOLDEN = {"Linux": 813, "MacOS": 852, "OSX": 799, "iOS": 794, "Android": 855, "Windows": 883}


def lines(log: LogFormat, records: int = 20, seed: int = 1) -> list[list[str]]:
    blocks = log_blocks(log, records, seed, START)
    return [line.split("\t") for block in blocks for line in block.records]


def system(line: str) -> str | None:
    """Operating system by the tutorial's expression, on a line that must have 11 fields."""
    fields = line.split("\t")
    assert len(fields) == 11
    match = re.match(AGENT, fields[10])
    return match and match[1]


def test_the_tutorials_query_gives_the_six_counts() -> None:
    first, last = date(2014, 7, 5), date(2014, 8, 5)
    log = legacy_log(GOLDEN, first, 32, outside=7, unmatched=5, comments=2, seed=3).decode()
    comments, rows = log.splitlines()[:2], log.splitlines()[2:]
    days = [date.fromisoformat(row[:10]) for row in rows]
    inside = [row for row, day in zip(rows, days, strict=True) if first <= day <= last]
    outside = set(rows) - set(inside)
    assert Counter(os for row in inside if (os := system(row))) == GOLDEN
    assert len({row[:10] for row in inside}) == 32
    assert len(outside) == 7 and all(system(row) for row in outside)
    assert {row[:10] for row in outside} == {"2014-07-04", "2014-08-06"}
    assert [row.rpartition("\t")[2] for row in rows if not system(row)] == 5 * ["curl/7.1"]
    assert len(rows) == 4996 + 7 + 5
    for row in [*comments, *rows[:20]]:
        match = TUTORIAL.match(row)
        assert (match and match[11]) == (None if row[0] == "#" else system(row))
    assert legacy_log(GOLDEN, first, 32, outside=7, unmatched=5, comments=2, seed=3) == log.encode()


def test_the_user_agent_is_that_of_the_tutorials_own_lines() -> None:
    real = shared("cloudfront", "hive_tutorial_first3lines.tsv").read_text()
    agents = [line.split("\t")[10] for line in real.splitlines()]
    made = legacy_log({"MacOS": 99, "Linux": 99, "Android": 99}, date(2014, 7, 5), 1).decode()
    assert set(agents) <= {line.split("\t")[10] for line in made.splitlines()}


def test_legacy_lines_have_11_fields_and_the_systems_that_are_told() -> None:
    (block,) = log_blocks(LogFormat.LEGACY, 600, 1, START)
    assert Counter(map(system, block.records)) == block.counts
    assert sorted(block.counts) == ["Android", "Linux", "MacOS", "OSX", "Windows", "iOS"]
    assert {row[0] for row in lines(LogFormat.LEGACY)} == {"2026-05-01", "2026-05-02"}


def test_a_standard_log_has_its_header_and_as_many_fields() -> None:
    (block,) = log_blocks(LogFormat.WEB, 300, 1, START)
    version, header, *rows = web_log(block.records).decode().splitlines()
    names = header.removeprefix("#Fields: ").split(" ")
    assert version == "#Version: 1.0"
    assert len(names) == 33
    told = [dict(zip(names, row.split("\t"), strict=True)) for row in rows]
    systems = [re.split(r"[;)]", unquote(r["cs(User-Agent)"]).split("(")[1])[0] for r in told]
    assert Counter(systems) == block.counts
    assert len({r["x-edge-request-id"] for r in told}) == 300
    assert {r["cs-uri-query"] for r in told} == {"-"}


@pytest.mark.parametrize(
    ("name", "ours", "count"),
    [("web", WEB_FIELDS, 24), ("kinesis", REALTIME_FIELDS, 40)],
)
def test_the_names_of_the_fields_are_those_of_real_logs(name: str, ours: str, count: int) -> None:
    real = shared("cloudfront", f"node-parser_{name}-1-0.txt").read_text().splitlines()[1]
    fields = real.removeprefix("#Fields: ").split()
    assert len(fields) == count
    assert ours.split()[:count] == fields


def test_a_real_time_record_begins_with_epoch_seconds_and_has_40_fields() -> None:
    rows = lines(LogFormat.REALTIME)
    assert {len(row) for row in rows} == {40}
    for number, row in enumerate(rows):
        assert re.fullmatch(r"\d{10}\.\d{3}", row[0])
        assert 0 <= float(row[0]) - START.timestamp() - number < 1
    assert len(REALTIME_FIELDS.split()) == 40


@pytest.mark.parametrize("log", LogFormat)
def test_a_client_lies_in_a_network_that_is_kept_for_examples(log: LogFormat) -> None:
    clients = re.compile(r"(192\.0\.2|198\.51\.100|203\.0\.113)\.\d{1,3}")
    for row in lines(log):
        assert any(clients.fullmatch(field) for field in row)
    assert lines(log) == lines(log) != lines(log, seed=2)
