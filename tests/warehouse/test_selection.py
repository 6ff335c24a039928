"""What a load takes: of each partition, the run that started last."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from stormlake.errors import RefusedInput
from stormlake.lake.partitions import FileWritten, Partition, PartitionWritten
from stormlake.lake.runs import RunRecord, write_record
from stormlake.lake.store import LocalStore
from stormlake.lake.tables import RADAR_COLUMNS, RADAR_GEOMETRY, REJECTS, WIND_MAX
from stormlake.lake.types import Table
from stormlake.warehouse.scope import LoadScope
from stormlake.warehouse.selection import NothingRecorded, scopes, select

MORNING = datetime(2026, 5, 1, 6, tzinfo=UTC)


def record(
    run_id: str, table: Table, partitions: Sequence[Partition], hour: int = 0, **changed: Any
) -> RunRecord:
    """A run that began so many hours after the morning, with one row in each partition."""
    started = MORNING + timedelta(hours=hour)
    written = tuple(
        PartitionWritten(values, (FileWritten(f"{table.name}/{run_id}-{n}.parquet", 1, 100),))
        for n, values in enumerate(partitions)
    )
    facts: dict[str, Any] = {
        "job": "ingest-radar",
        "ok": True,
        "exit_code": 0,
        "software": "stormlake",
        "code_hash": "c",
        "lock_hash": "l",
        "source": "s3://archive",
    }
    return RunRecord(
        run_id=run_id,
        run_key="k",
        started=started,
        finished=started + timedelta(minutes=1),
        tables={table.name: written},
        partitions={table.name: table.partition_names},
        **facts | changed,
    )


def taken(found: Sequence[LoadScope]) -> list[tuple[str, list[Partition]]]:
    return [(scope.run_id, [each.values for each in scope.partitions]) for scope in found]


def days(count: int, first: date = date(2020, 1, 1)) -> list[str]:
    return [(first + timedelta(days=n)).isoformat() for n in range(count)]


def test_each_partition_comes_from_the_run_that_started_last() -> None:
    old = record("old", WIND_MAX, [("2016-06-01",), ("2016-06-02",)])
    new = record("new", WIND_MAX, [("2016-06-02",), ("2016-06-03",)], hour=1)
    for order in ([old, new], [new, old]):
        assert taken(select(order, WIND_MAX)) == [
            ("old", [("2016-06-01",)]),
            ("new", [("2016-06-02",), ("2016-06-03",)]),
        ]


def test_a_scope_names_the_run_its_start_and_its_files(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    write_record(store, record("one", WIND_MAX, [("2016-06-01",)], job="aggregate-wind_max"))
    (scope,) = scopes(store, WIND_MAX)
    assert (scope.job, scope.run_id, scope.run_started) == ("aggregate-wind_max", "one", MORNING)
    assert scope.rows == 1
    assert scope.partitions[0].files[0].path == "wind_max/one-0.parquet"


def test_a_partition_that_a_run_left_empty_is_part_of_the_load() -> None:
    run = record("one", WIND_MAX, [])
    run.tables["wind_max"] = (PartitionWritten(("2016-06-01",)),)  # type: ignore[index]
    (scope,) = select([run], WIND_MAX)
    assert scope.keys == ('{"date":"2016-06-01"}',) and scope.rows == 0


def test_the_window_is_half_open() -> None:
    run = record("one", WIND_MAX, [(day,) for day in days(4)])
    found = select([run], WIND_MAX, date(2020, 1, 2), datetime(2020, 1, 4, tzinfo=UTC))
    assert taken(found) == [("one", [("2020-01-02",), ("2020-01-03",)])]
    assert taken(select([run], WIND_MAX, start=date(2020, 1, 4))) == [("one", [("2020-01-04",)])]
    assert taken(select([run], WIND_MAX, end=date(2020, 1, 2))) == [("one", [("2020-01-01",)])]


def test_days_mean_nothing_to_a_table_without_a_date() -> None:
    run = record("one", RADAR_GEOMETRY, [("KLBB", "lake-01234567")])
    found = select([run], RADAR_GEOMETRY, date(2030, 1, 1), date(2030, 1, 2))
    assert taken(found) == [("one", [("KLBB", "lake-01234567")])]


def test_rejects_of_two_jobs_are_two_loads() -> None:
    wind = record("w", REJECTS, [("aggregate-wind_max", "2016-06-01")], job="aggregate-wind_max")
    events = record("e", REJECTS, [("aggregate-events", "2016-06-01")], 1, job="aggregate-events")
    found = select([wind, events], REJECTS)
    assert [(scope.job, scope.run_id) for scope in found] == [
        ("aggregate-wind_max", "w"),
        ("aggregate-events", "e"),
    ]


def test_without_a_record_it_is_refused_with_what_to_do() -> None:
    with pytest.raises(NothingRecorded, match=r"no run has left a record of wind_max.*Run the job"):
        select([], WIND_MAX)
    load = record("load", RADAR_COLUMNS, [("KLBB", "2016-06-01")], job="load-redshift")
    with pytest.raises(NothingRecorded):
        select([load], WIND_MAX)


def test_a_day_that_was_asked_for_is_not_left_out_in_silence() -> None:
    run = record("one", WIND_MAX, [("2016-06-01",), ("2016-06-03",)])
    with pytest.raises(NothingRecorded, match="1 of 3 days, the first is 2016-06-02"):
        select([run], WIND_MAX, date(2016, 6, 1), date(2016, 6, 4))
    assert len(select([run], WIND_MAX)[0].partitions) == 2


def test_a_run_with_too_many_rejects_is_taken_only_when_it_is_accepted() -> None:
    run = record("bad", WIND_MAX, [("2016-06-01",)], ok=False, exit_code=3)
    with pytest.raises(RefusedInput, match=r"run bad .* more rejects .* --accept"):
        select([run], WIND_MAX)
    assert taken(select([run], WIND_MAX, accept=True)) == [("bad", [("2016-06-01",)])]


def test_a_bad_run_does_not_hide_behind_an_older_good_one() -> None:
    good = record("good", WIND_MAX, [("2016-06-01",)])
    bad = record("bad", WIND_MAX, [("2016-06-01",)], hour=1, ok=False, exit_code=3)
    with pytest.raises(RefusedInput, match="run bad"):
        select([good, bad], WIND_MAX)
    again = record("again", WIND_MAX, [("2016-06-01",)], hour=2)
    assert taken(select([good, bad, again], WIND_MAX)) == [("again", [("2016-06-01",)])]


def test_a_named_run_is_taken_alone() -> None:
    first = record("first", WIND_MAX, [("2016-06-01",)])
    second = record("second", WIND_MAX, [("2016-06-02",)], hour=1)
    found = select([first, second], WIND_MAX, from_run="first")
    assert taken(found) == [("first", [("2016-06-01",)])]


def test_a_named_run_whose_files_another_has_replaced_is_refused() -> None:
    old = record("old", WIND_MAX, [("2016-06-01",), ("2016-06-02",)])
    new = record("new", WIND_MAX, [("2016-06-02",)], hour=1)
    with pytest.raises(RefusedInput, match=r"1 of 2 partitions .*2016-06-02 by run new"):
        select([old, new], WIND_MAX, from_run="old")
    found = select([old, new], WIND_MAX, end=date(2016, 6, 2), from_run="old")
    assert taken(found) == [("old", [("2016-06-01",)])]


def test_a_named_run_without_a_record_is_refused() -> None:
    run = record("one", WIND_MAX, [("2016-06-01",)])
    with pytest.raises(NothingRecorded, match="run other"):
        select([run], WIND_MAX, from_run="other")


def test_more_than_a_thousand_partitions_are_split_by_date() -> None:
    stations = [f"K{n:03d}" for n in range(400)]
    partitions = [(station, day) for station in stations for day in days(5)]
    found = select([record("one", RADAR_COLUMNS, partitions)], RADAR_COLUMNS)
    assert [len(scope.partitions) for scope in found] == [800, 800, 400]
    in_load = [{values[1] for _, part in taken([scope]) for values in part} for scope in found]
    assert in_load == [set(days(5)[:2]), set(days(5)[2:4]), {days(5)[4]}]
    everything = [values for _, part in taken(found) for values in part]
    assert sorted(everything) == sorted(partitions)


def test_a_table_without_a_date_and_a_day_that_is_too_long_are_split_by_count() -> None:
    grids = [("KLBB", f"lake-{n:08d}") for n in range(2100)]
    found = select([record("one", RADAR_GEOMETRY, grids)], RADAR_GEOMETRY)
    assert [len(scope.partitions) for scope in found] == [1000, 1000, 100]
    one_day = [(f"S{n:04d}", "2016-06-01") for n in range(1001)]
    found = select([record("one", RADAR_COLUMNS, one_day)], RADAR_COLUMNS)
    assert [len(scope.partitions) for scope in found] == [1000, 1]


def test_the_same_records_give_the_same_scopes_whatever_their_order() -> None:
    partitions = [(f"K{n:03d}", day) for n in range(300) for day in days(5)]
    one, other = (
        select([record("one", RADAR_COLUMNS, order)], RADAR_COLUMNS)
        for order in (partitions, partitions[::-1])
    )
    assert [scope.digest for scope in one] == [scope.digest for scope in other]


def test_a_record_by_other_partition_columns_is_refused() -> None:
    run = record("one", WIND_MAX, [("2016-06-01",)], job="aggregate-wind_max")
    changed = RunRecord(**vars(run) | {"partitions": {"wind_max": ("day",)}})
    with pytest.raises(RefusedInput, match="by day, the table is by date now"):
        select([changed], WIND_MAX)
