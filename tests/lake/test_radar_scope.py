from __future__ import annotations

import datetime as dt
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from stormlake.lake.radar_rows import UNKNOWN_DATE, UNKNOWN_STATION
from stormlake.lake.radar_scope import FILE_ROWS, Asked, mark_duplicates, place_in_files

DAY = dt.date(2016, 6, 1)
NEXT = dt.date(2016, 6, 2)
TIME = dt.datetime(2016, 6, 1, 15, tzinfo=dt.UTC)


def row(key: str, **given: Any) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "key": key,
        "station": "KLBB",
        "date": DAY,
        "volume_time": TIME,
        "status": "ok",
        "reason": None,
        "grid": "lake-00000000",
        "cells": 10,
        "columns": 5,
        "max_reflectivity": 40.0,
    }
    return facts | given


def asked(**given: Any) -> Asked:
    facts: dict[str, Any] = {"stations": (), "start": None, "end": None, "folder": True}
    return Asked(**facts | given)


def test_of_two_volumes_of_one_time_the_first_by_key_counts() -> None:
    marked = {r["key"]: r for r in mark_duplicates([row("b"), row("a"), row("c", station="KSRX")])}
    assert [marked[key]["status"] for key in "abc"] == ["ok", "skipped", "ok"]
    assert marked["b"]["reason"] == "duplicate_volume"
    assert marked["b"]["cells"] is None, "its rows are not in the grid"


def test_an_archived_volume_counts_before_a_folder_of_its_chunks() -> None:
    marked = {r["key"]: r["status"] for r in mark_duplicates([row("chunks/"), row("volumes/x")])}
    assert marked == {"chunks/": "skipped", "volumes/x": "ok"}


def test_a_rejected_volume_makes_no_other_a_duplicate() -> None:
    first = row("a", status="rejected", reason="no_dual_pol", cells=None)
    assert [r["status"] for r in mark_duplicates([first, row("b")])] == ["rejected", "ok"]


def test_a_window_puts_every_day_in_scope_also_those_without_a_row() -> None:
    window = asked(stations=("KLBB", "KSRX"), start=DAY, end=dt.date(2016, 6, 3), folder=False)
    assert window.partitions([row("a")]) == [
        ("KLBB", "2016-06-01"),
        ("KLBB", "2016-06-02"),
        ("KSRX", "2016-06-01"),
        ("KSRX", "2016-06-02"),
    ]


def test_without_a_window_the_scope_is_what_the_folder_holds_and_the_unknown() -> None:
    scope = asked().partitions([row("a"), row("b", date=NEXT)])
    assert scope == [
        ("KLBB", "2016-06-01"),
        ("KLBB", "2016-06-02"),
        (UNKNOWN_STATION, UNKNOWN_DATE.isoformat()),
    ]
    assert asked(stations=("KLBB",)).partitions([row("a")]) == [("KLBB", "2016-06-01")]


def test_a_volume_that_its_header_puts_elsewhere_is_not_of_the_run() -> None:
    window = asked(stations=("KLBB",), start=DAY, end=NEXT)
    assert window.covers(row("a"))
    assert not window.covers(row("a", station="KSRX"))
    assert not window.covers(row("a", date=NEXT))
    assert not window.covers(row("a", station=UNKNOWN_STATION, date=UNKNOWN_DATE))
    assert asked().covers(row("a", station=UNKNOWN_STATION, date=UNKNOWN_DATE))


@given(
    cells=st.lists(st.integers(0, 400_000), max_size=60),
    days=st.integers(1, 4),
    cores=st.integers(1, 8),
)
def test_every_volume_with_cells_is_in_one_file_of_its_day(
    cells: list[int], days: int, cores: int
) -> None:
    rows = [
        row(f"{number:03d}", date=DAY + dt.timedelta(number % days), cells=count)
        for number, count in enumerate(cells)
    ]
    placed = dict(place_in_files(rows, cores))
    by_key = {r["key"]: r for r in rows}
    assert set(placed) == {r["key"] for r in rows if r["cells"]}
    for number in set(placed.values()):
        inside = [by_key[key] for key, file in placed.items() if file == number]
        assert len({r["date"] for r in inside}) == 1
        assert sum(r["cells"] for r in inside) <= FILE_ROWS + 400_000
    for day in {r["date"] for r in rows}:
        files = [placed[r["key"]] for r in rows if r["date"] == day and r["cells"]]
        assert all(a <= b for a, b in pairwise(files)), "volumes of a file are neighbours in time"


def test_a_large_day_gives_every_core_the_same_work() -> None:
    rows = [row(f"{n:03d}", cells=35_420) for n in range(240)]
    files = [file for _, file in place_in_files(rows, 2)]
    assert {file: files.count(file) for file in set(files)} == {0: 60, 1: 60, 2: 60, 3: 60}


def test_a_small_day_is_one_file_however_many_cores() -> None:
    assert {file for _, file in place_in_files([row("a"), row("b")], 8)} == {0}
