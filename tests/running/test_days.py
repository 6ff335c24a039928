"""`--day-before`: what a nightly run is about."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stormlake.cli import main
from stormlake.emr.jobs import JobRequest, job_request
from stormlake.errors import RefusedInput
from stormlake.running.days import day_before

JOBS = {
    "ingest-radar": ["--station", "KLBB", "--lake", "s3://lake"],
    "aggregate": ["wind_max", "--source", "s3://wind", "--lake", "s3://lake"],
}


def request(job: str, *more: str) -> JobRequest:
    context = click.Context(main, info_name="stormlake")
    return job_request(context, job, [*JOBS[job], *more])


@pytest.mark.parametrize("job", JOBS)
@pytest.mark.parametrize(
    "time",
    [
        "2016-06-02T03:00:00Z",  # as EventBridge Scheduler writes it
        "2016-06-02",
        "2016-06-02T23:59:59",
        "2016-06-03T01:30:00+02:00",
    ],
)
def test_a_time_stands_for_the_utc_day_before_its_own(job: str, time: str) -> None:
    told = request(job, "--day-before", time).parameters
    assert told["start"] == "2016-06-01T00:00:00+00:00"
    assert told["end"] == "2016-06-02T00:00:00+00:00"


@pytest.mark.parametrize("job", JOBS)
def test_the_run_is_the_one_of_the_same_day_typed_out(job: str) -> None:
    nightly = request(job, "--day-before", "2016-06-02T03:00:00Z")
    typed = request(job, "--start", "2016-06-01", "--end", "2016-06-02")
    assert nightly.key("lock") == typed.key("lock")
    assert nightly.parameters == typed.parameters


@pytest.mark.parametrize("job", JOBS)
@pytest.mark.parametrize("order", [False, True])
@pytest.mark.parametrize("option", ["--start", "--end"])
def test_with_a_day_typed_beside_it_it_is_refused(job: str, option: str, order: bool) -> None:
    both: list[list[str]] = [["--day-before", "2016-06-02T03:00"], [option, "2016-06-01"]]
    pieces = [piece for pair in (both[::-1] if order else both) for piece in pair]
    with pytest.raises(RefusedInput, match=f"leave {option} out"):
        request(job, *pieces)


@pytest.mark.parametrize("job", JOBS)
@pytest.mark.parametrize("value", ["yesterday", "", "0001-01-01", "2016-06-31"])
def test_a_time_that_has_no_day_before_is_refused(job: str, value: str) -> None:
    with pytest.raises(RefusedInput, match=r"not a time|no day before"):
        request(job, "--day-before", value)


@given(st.datetimes(min_value=datetime(1990, 1, 2), timezones=st.just(UTC)))
def test_the_day_before_is_whole_and_ends_where_the_day_of_the_time_begins(time: Any) -> None:
    start, end = day_before(time)
    assert end - start == timedelta(days=1)
    assert end <= time < end + timedelta(days=1)
    assert (end.hour, end.minute, end.second, end.microsecond) == (0, 0, 0, 0)
