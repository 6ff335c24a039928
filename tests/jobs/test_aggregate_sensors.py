"""`aggregate` over real and made archives: golden numbers, an oracle's rows, rejects, dates.

The job server runs as on a machine whose time zone is New York's.
"""

from __future__ import annotations

import datetime as dt
import gzip
import json
import random
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.data import shared
from tests.fakes.s3 import s3_server
from tests.integration.runs import JobServer, assert_nothing_dead, lake_table
from tests.sensors import oracle

pytestmark = pytest.mark.spark

RIDE = ("sensors", "wildrydes", "ride_data_20190625.json")
MINUTES = ("sensors", "wildrydes", "shadowfax-2016-02-12.json")
REJECT = ("date", "object", "byte_offset", "byte_length", "record_count", "reason")


class Aggregate:
    """Runs `aggregate` into one lake, and reads what it left."""

    def __init__(self, job: JobServer, folder: Path) -> None:
        self.job = job
        self.source = folder / "archive"
        self.lake = folder / "lake"
        self.source.mkdir()

    def put(self, key: str, data: bytes | str) -> None:
        path = self.source / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.encode() if isinstance(data, str) else data)

    def __call__(self, name: str, *options: object, code: int = 0, source: object = None) -> Any:
        done = self.job(
            *(name, "--source", source or self.source, "--lake", self.lake, "--output", "json"),
            *(() if "--master" in options else ("--master", "local[2]")),
            *options,
            command="aggregate",
        )
        done.expect(code)
        return done.summary if code in (0, 3) else done.stderr

    def query(self, name: object, *options: object, source: object = None) -> dict[str, Any]:
        done = self.job(
            *(name, "--source", source or self.source, "--output", "json", "--limit", 5000),
            *("--master", "local[2]", *options),
            command="query",
        )
        return done.expect(0).summary

    def rows(self, table: str) -> list[dict[str, Any]]:
        rows = lake_table(self.lake, table).to_pylist()
        for row in rows:
            row.pop("job", None)
        return rows

    def rejects(self) -> list[tuple[Any, ...]]:
        found = [tuple(row[name] for name in REJECT) for row in self.rows("rejects")]
        return sorted(found, key=lambda row: (row[1], row[2]))


@pytest.fixture
def aggregate(job: JobServer, tmp_path: Path) -> Aggregate:
    return Aggregate(job, tmp_path)


def reading(name: str, time: str, distance: float = 30.0, **more: Any) -> dict[str, Any]:
    record = {"Name": name, "StatusTime": time, "Distance": distance}
    return record | {"Latitude": 40.7, "Longitude": -73.9} | more


def lines(records: list[Any]) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


def add_up(records: dict[str, int]) -> bool:
    return records["read"] == sum(n for name, n in records.items() if name != "read")


def test_the_real_ride_has_the_minutes_of_the_specification_however_it_lies(
    aggregate: Aggregate,
) -> None:
    whole = shared(*RIDE)
    summary = aggregate("unicorn_minutes", source=whole)
    assert summary["records"] == {
        "read": 10_417,
        "kept": 10_417,
        "duplicates": 0,
        "rejected": 0,
        "left": 0,
    }
    rows = aggregate.rows("unicorn_minutes")
    assert len(rows) == 175
    assert sum(row["distance"] for row in rows) == pytest.approx(1_752_531.1894, abs=1e-5)
    by_minute = {f"{row['window_start']:%H:%M}": row for row in rows}
    golden = {
        "09:43": (18, 2718.222011, 678, 9400, 88, 8495),
        "09:58": (42, 6905.601359, 772, 9791, 284, 9947),
        "10:11": (60, 11769.502504, 66, 9905, 47, 9882),
        "10:15": (59, 9164.626443, 517, 9836, 678, 9913),
        "11:10": (60, 10273.472592, 88, 9529, 2, 9781),
        "12:36": (60, 9906.573711, 15, 9819, 274, 9984),
        "12:37": (38, 7584.833330, 1068, 9719, 423, 9888),
    }
    for minute, (count, distance, *points) in golden.items():
        row = by_minute[minute]
        assert row["record_count"] == count
        assert row["distance"] == pytest.approx(distance, abs=1e-6)
        assert [
            row[f"{least}_{what}_points"]
            for what in ("magic", "health")
            for least in ("min", "max")
        ] == points
    assert_rows_equal(rows, oracle.unicorn_minutes([whole.read_bytes()]))

    records = json.loads(whole.read_bytes())["travel_data"]
    again = records[:500]
    random.Random(7).shuffle(records)
    middle = len(records) // 2
    aggregate.put("b.json", lines(records[:middle]) + lines(again))
    aggregate.put("a.json.gz", gzip.compress("".join(map(json.dumps, records[middle:])).encode()))
    aggregate.put("copy.json", whole.read_bytes())
    other = aggregate("unicorn_minutes", "--master", "local[4]")
    assert other["records"]["kept"] == 10_417
    assert other["records"]["duplicates"] == 10_417 + 500
    assert aggregate.rows("unicorn_minutes") == rows
    assert_nothing_dead(aggregate.lake)


def assert_rows_equal(rows: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    """Equal rows, in any order, sums within 1e-5."""
    key = ("window_start", "name")
    rows, expected = (
        sorted(each, key=lambda row: [row[k] for k in key]) for each in (rows, expected)
    )
    assert [{**row, "distance": None} for row in rows] == [
        {**row, "distance": None} for row in expected
    ]
    for row, other in zip(rows, expected, strict=True):
        assert row["distance"] == pytest.approx(other["distance"], abs=1e-5)


def test_minutes_that_are_aggregated_already_are_rows_of_the_same_table(
    aggregate: Aggregate,
) -> None:
    source = shared(*MINUTES)
    aggregate("unicorn_minutes", "--form", "minutes", source=source)
    rows = aggregate.rows("unicorn_minutes")
    assert len(rows) == 1440
    sums = ("distance", "min_magic_points", "max_magic_points", "min_health_points")
    assert [sum(row[name] for row in rows) for name in sums] == [
        1_892_783,
        209_624,
        213_316,
        229_417,
    ]
    assert sum(row["max_health_points"] for row in rows) == 233_013
    assert {row["record_count"] for row in rows} == {None}
    assert len({row["window_start"] for row in rows}) == 1440

    # Read as single records, every one is rejected, and the table is emptied of nothing.
    summary = aggregate(
        "unicorn_minutes", "--start", "2016-02-12", "--end", "2016-02-13", code=3, source=source
    )
    assert summary["reasons"] == {"missing_field": 1440}
    assert {row[-1] for row in aggregate.rejects()} == {"missing_field"}
    assert aggregate.rows("unicorn_minutes") == []


def test_every_form_beside_damage_gives_the_rows_of_the_oracle(aggregate: Aggregate) -> None:
    names = [
        "Shadowfax",
        'O"Hara, the {quick}',
        "Zoë 🦄 }{",
        "a name of more than sixteen characters",
    ]
    start = dt.datetime(2025, 12, 31, 23, 58, 30)
    records = [
        reading(
            names[n % 4],
            f"{start + dt.timedelta(seconds=n)}.{n % 1000:03d}",
            29.5 + n / 1000,
            HealthPoints=None if n % 7 == 0 else n % 3,
            MagicPoints=n,
        )
        for n in range(200)
    ]
    # A minute with more metres than a SMALLINT holds.
    far = [reading("Far", f"2026-01-01 00:05:{n // 2:02d}.{n % 2}00", 300.0) for n in range(111)]
    shapes = [
        lines(records[:40]),
        "".join(json.dumps(record, ensure_ascii=False) for record in records[40:80]),
        "\n".join(json.dumps(record, indent=2) for record in records[80:120]),
        json.dumps(records[120:160], indent=1),
        json.dumps({"travel_data": records[160:]}),
        lines(far).replace("\n", "\r\n") + "\r\n",
    ]
    for number, text in enumerate(shapes):
        aggregate.put(f"plain/{number}.json", text)
    aggregate.put("packed/again", gzip.compress("\ufeff".encode() + shapes[1].encode()))
    aggregate.put("empty", b"")
    aggregate.put("_planted.json", b"not input")
    bad = reading("Bad", "2026-01-01 00:00:00.000")
    damage = [
        '{"Name": "cut',
        json.dumps(bad | {"Distance": -1}),
        json.dumps(bad | {"Latitude": None}),
        json.dumps(bad | {"Distance": "far"}),
        json.dumps(bad | {"StatusTime": "2026-02-30 00:00:00.000"}),
        json.dumps(bad | {"Longitude": float("nan")}),
    ]
    aggregate.put("bad.json", "\n".join(damage) + "\n")
    summary = aggregate("unicorn_minutes", "--max-reject-share", "0.1")

    assert summary["records"] == {
        "read": 200 + 111 + 40 + 6,
        "kept": 311,
        "duplicates": 40,
        "rejected": 6,
        "left": 0,
    }
    assert summary["objects"] == {"read": 9, "empty": 1, "unreadable": 0}
    rows = aggregate.rows("unicorn_minutes")
    assert_rows_equal(rows, oracle.unicorn_minutes(text.encode() for text in shapes))
    assert [row["distance"] for row in rows if row["name"] == "Far"] == [33_300.0]
    assert {row["date"] for row in rows} == {dt.date(2025, 12, 31), dt.date(2026, 1, 1)}

    sizes = [len(line) + 1 for line in damage]
    places = [sum(sizes[:n]) for n in range(6)]
    day, first = dt.date(2026, 1, 1), dt.date(2025, 12, 31)
    assert aggregate.rejects() == [
        (first, "bad.json", places[0], sizes[0], 1, "malformed"),
        (day, "bad.json", places[1], sizes[1] - 1, 1, "negative"),
        (day, "bad.json", places[2], sizes[2] - 1, 1, "missing_field"),
        (day, "bad.json", places[3], sizes[3] - 1, 1, "bad_type"),
        (first, "bad.json", places[4], sizes[4] - 1, 1, "bad_time"),
        (first, "bad.json", places[5], sizes[5] - 1, 1, "not_finite"),
    ]
    excerpts = {row["byte_offset"]: row["excerpt"] for row in aggregate.rows("rejects")}
    assert excerpts[0] == damage[0] + "\n"
    assert excerpts[places[1]] == damage[1][:200]

    # The bad file is mended: the rejects of the run before go.
    aggregate.put("bad.json", lines([bad]))
    assert aggregate("unicorn_minutes")["records"]["rejected"] == 0
    assert aggregate.rejects() == []


def test_a_day_takes_its_own_records_from_the_hours_around_it(aggregate: Aggregate) -> None:
    def at(day: int, time: str, name: str = "S") -> dict[str, Any]:
        return reading(name, f"2026-05-{day:02d} {time}.000")

    aggregate.put("2026/05/02/00/a", lines([at(1, "23:59:59"), at(2, "00:00:00")]))
    aggregate.put("2026/05/01/23/early", lines([at(2, "00:00:01", "clock ahead")]))
    aggregate.put("2026/05/03/05/late", lines([at(2, "12:00:00", "late")]))
    aggregate.put("2026/05/03/06/later", lines([at(2, "13:00:00", "too late")]))
    aggregate.put("2026/05/02/10/bad", '{"Name": "x"}\n')
    aggregate.put("2026/05/03/00/bad", '{"Name": "y"}\n')
    aggregate.put("flat.json", lines([at(2, "15:00:00", "flat"), at(9, "15:00:00", "flat")]))
    second = aggregate(
        "unicorn_minutes", "--start", "2026-05-02", "--end", "2026-05-03", "--max-reject-share", 1
    )
    assert {row["name"] for row in aggregate.rows("unicorn_minutes")} == {
        "S",
        "clock ahead",
        "late",
        "flat",
    }
    # Left: the first's 23:59:59, the ninth's, and the third's bad one.
    assert second["records"] == {"read": 8, "kept": 4, "duplicates": 0, "rejected": 1, "left": 3}
    assert [(row[0].day, row[1], row[5]) for row in aggregate.rejects()] == [
        (2, "2026/05/02/10/bad", "missing_field")
    ]
    third = aggregate(
        "unicorn_minutes", "--start", "2026-05-03", "--end", "2026-05-04", "--max-reject-share", 1
    )
    assert third["reasons"] == {"missing_field": 1, "outside_window": 1}
    assert [(row[0].day, row[1], row[5]) for row in aggregate.rejects()] == [
        (2, "2026/05/02/10/bad", "missing_field"),
        (3, "2026/05/03/00/bad", "missing_field"),
        (3, "2026/05/03/06/later", "outside_window"),
    ]
    wider = aggregate(
        "unicorn_minutes",
        "--start",
        "2026-05-02",
        "--end",
        "2026-05-03",
        "--late",
        7,
        "--max-reject-share",
        1,
    )
    assert wider["records"]["kept"] == 5
    assert len(aggregate.rows("unicorn_minutes")) == 5
    # Two objects of the day are gone; nothing but what arrived stays in its partition.
    (aggregate.source / "2026/05/03/05/late").unlink()
    aggregate(
        "unicorn_minutes", "--start", "2026-05-01", "--end", "2026-05-03", "--max-reject-share", 1
    )
    assert {(row["date"].day, row["name"]) for row in aggregate.rows("unicorn_minutes")} == {
        (1, "S"),
        (2, "S"),
        (2, "clock ahead"),
        (2, "flat"),
    }


def test_wind_max_is_that_of_pandas_for_json_and_csv(aggregate: Aggregate) -> None:
    rng = random.Random(3)
    start = 1_767_225_480  # 2025-12-31T23:58:00Z
    records = [
        {
            "location": rng.choice(["Farm-1", "Ridge, North", 'The "Old" Mill']),
            "speed": round(rng.gauss(30, 6)),  # many ties
            "timestamp": start + rng.randrange(600),
        }
        for _ in range(500)
    ]
    half = len(records) // 2
    csv = "".join(
        '"{}",{},{}\n'.format(r["location"].replace('"', '""'), r["speed"], r["timestamp"])
        for r in records[half:]
    )
    aggregate.put("a.json", "".join(map(json.dumps, records[:half])))
    aggregate.put("b.csv", csv + csv)
    for width in (60, 300):
        summary = aggregate("wind_max", "--width", width)
        assert add_up(summary["records"])
        frame = pd.DataFrame(records).drop_duplicates()
        assert summary["records"]["kept"] == len(frame)
        frame["time"] = pd.to_datetime(frame["timestamp"], unit="s", utc=True)
        frame["window"] = frame["time"].dt.floor(f"{width}s")
        grouped = frame.sort_values(["speed", "time"], ascending=[False, True]).groupby(
            ["location", "window"]
        )
        expected = {
            key: (group["speed"].max(), group["time"].iloc[0], len(group)) for key, group in grouped
        }
        found = {
            (row["location"], pd.Timestamp(row["window_start"])): (
                row["max_speed"],
                row["max_speed_time"],
                row["record_count"],
            )
            for row in aggregate.rows("wind_max")
        }
        assert found == expected
    refused = aggregate("wind_max", "--width", 7000, code=2)
    assert "does not divide a day" in refused


def test_a_cut_event_archive_gives_all_whole_events_and_one_reject(aggregate: Aggregate) -> None:
    start = dt.datetime(2026, 5, 1, 21)
    whole = "".join(
        json.dumps({f"{n:08x}-0000-4000-8000-{n:012x}": f"test-{start + dt.timedelta(seconds=n)}"})
        for n in range(10_000)
    )
    assert len(whole) == 680_000
    aggregate.put("2026/05/01/21/events", gzip.compress(whole[:-34].encode()))
    summary = aggregate("events_per_minute")
    assert summary["records"]["kept"] == 9_999
    assert aggregate.rejects() == [
        (dt.date(2026, 5, 1), "2026/05/01/21/events", 679_932, 34, 1, "truncated")
    ]
    rows = aggregate.rows("events_per_minute")
    # 21:00:00 to 23:46:38: 166 whole minutes and 39 seconds.
    assert [row["events"] for row in rows] == [60] * 166 + [39]
    assert rows[0]["window_start"] == dt.datetime(2026, 5, 1, 21, tzinfo=dt.UTC)


def test_the_tutorial_log_has_its_six_counts_and_nobodys_address(aggregate: Aggregate) -> None:
    from stormlake.simulate.cloudfront import legacy_log

    counts = {"Linux": 813, "MacOS": 852, "OSX": 799, "iOS": 794, "Android": 855, "Windows": 883}
    log = legacy_log(counts, dt.date(2014, 7, 5), 32, outside=7, unmatched=5, comments=2, seed=1)
    aggregate.put("log1", log)
    window = ("--start", "2014-07-05", "--end", "2014-08-06")
    summary = aggregate("requests_by_os", *window)
    assert summary["reasons"] == {"no_match": 5}
    assert summary["comments"] == 2
    assert summary["records"] == {
        "read": 4_996 + 7 + 5,
        "kept": 4_996,
        "duplicates": 0,
        "rejected": 5,
        "left": 7,
    }
    rows = aggregate.rows("requests_by_os")
    assert {os: sum(r["requests"] for r in rows if r["os"] == os) for os in counts} == counts
    assert {(row["os"], row["os_family"]) for row in rows} == {
        ("Linux", "Linux"),
        ("MacOS", "macOS"),
        ("OSX", "macOS"),
        ("iOS", "iOS"),
        ("Android", "Android"),
        ("Windows", "Windows"),
    }
    totals = aggregate.query("os_totals", *window)["rows"]
    assert {row["os"]: row["requests"] for row in totals} == counts
    addresses = {line.split("\t")[4] for line in log.decode().splitlines() if "\t" in line}
    everything = json.dumps([aggregate.rows(t) for t in ("rejects", "requests_by_os")], default=str)
    assert addresses
    assert not [address for address in addresses if address in everything]


def test_web_rtmp_and_real_time_samples_are_never_misread(aggregate: Aggregate) -> None:
    for name in ("web", "rtmp", "kinesis"):
        aggregate.put(name, shared("cloudfront", f"node-parser_{name}-1-0.txt").read_bytes())
    # One web request is delivered twice; by its request id it counts once.
    aggregate.put("web-again", shared("cloudfront", "node-parser_web-1-0.txt").read_bytes())
    summary = aggregate("requests_by_os", "--max-reject-share", "1")
    assert summary["reasons"] == {"unsupported_format": 6}
    found = [
        (str(r["date"]), r["os"], r["os_family"], r["requests"])
        for r in aggregate.rows("requests_by_os")
    ]
    assert found == [
        ("2014-05-23", "iPhone", "iOS", 2),
        ("2020-12-07", "Macintosh", "macOS", 1),
    ]
    assert [(row[1], row[4], row[5]) for row in aggregate.rejects()] == [
        ("rtmp", 6, "unsupported_format")
    ]
    assert summary["records"] == {"read": 11, "kept": 3, "duplicates": 2, "rejected": 6, "left": 0}


def test_the_queries_answer_what_the_specification_says_of_the_ride(aggregate: Aggregate) -> None:
    ride = shared(*RIDE)
    low = aggregate.query("unicorn_low_vitals", "--param", "limit=100", source=ride)
    assert low["count"] == 176
    after = aggregate.query(
        "unicorn_points_after", "--param", "after=2019-06-25T12:30", source=ride
    )
    assert after["count"] == 458
    total = aggregate.query("unicorn_distance_total", source=ride)["rows"]
    assert [row["name"] for row in total] == ["Shadowfax"]
    assert total[0]["distance"] == pytest.approx(1_752_531.1894, abs=1e-5)


def test_a_query_that_reads_its_view_twice_still_counts_every_record_once(
    aggregate: Aggregate, tmp_path: Path
) -> None:
    aggregate.put(
        "a", lines([reading("S", f"2026-05-01 00:00:{n:02d}.000") for n in range(20)] * 2)
    )
    own = tmp_path / "pairs.sql"
    own.write_text(
        "-- Purpose     Pairs.\n-- One row is  a count.\n-- Parameters  none\n"
        "-- Engines     Spark.\nSELECT COUNT(*) AS pairs FROM unicorn_records AS a "
        "JOIN unicorn_records AS b ON a.name = b.name\n"
    )
    answer = aggregate.query(own)
    assert answer["rows"] == [{"pairs": 400}]
    assert answer["records"] == {"read": 40, "kept": 20, "duplicates": 20, "rejected": 0, "left": 0}


def test_vitals_are_read_without_the_person(aggregate: Aggregate, tmp_path: Path) -> None:
    vital = {
        "timestamp": "2026-05-01T21:00:00",
        "device_id": "device0001",
        "patient_id": "p1",
        "name": "Doe, Jane",
        "dob": "13/4/1970",
        "temp": 98.6,
        "pulse": 70,
        "oxygen_percent": 97,
        "systolic": 120,
        "diastolic": 80,
    }
    broken = json.dumps(vital | {"pulse": "Doe, Jane"})
    aggregate.put(
        "a", "".join(json.dumps(vital | {"pulse": p}) for p in (70, 71)) + broken + broken[:150]
    )
    own = tmp_path / "pulse.sql"
    own.write_text(
        "-- Purpose     Pulse of each device.\n-- One row is  a device.\n-- Parameters  none\n"
        "-- Engines     Spark.\nSELECT v.device_id, MAX(v.pulse) AS pulse FROM vital_records AS v "
        "GROUP BY v.device_id\n"
    )
    answer = aggregate.query(own, "--max-reject-share", "1")
    assert answer["rows"] == [{"device_id": "device0001", "pulse": 71.0}]
    assert answer["reasons"] == {"bad_type": 1, "truncated": 1}
    assert "Doe" not in json.dumps(answer)


@pytest.mark.parametrize(
    ("name", "options", "says"),
    [
        ("unicorn_hours", (), "is none of the queries"),
        ("unicorn_low_vitals", (), "stormlake query runs it"),
        ("wind_max", ("--form", "minutes"), "--form belongs to unicorn_records"),
        ("unicorn_minutes", ("--start", "2026-05-01"), "--start and --end go together"),
        ("unicorn_minutes", ("--time-zone", "Mars/Olympus"), "is no time zone"),
        ("unicorn_minutes", ("--source", "/nowhere"), "No such file or directory"),
    ],
    ids=lambda value: None if isinstance(value, tuple) else value[:20],
)
def test_what_cannot_be_meant_is_refused_in_words(
    aggregate: Aggregate, name: str, options: tuple[str, ...], says: str
) -> None:
    assert says in aggregate(name, *options, code=2)
    assert not aggregate.lake.exists() or not list(aggregate.lake.glob("*/*.parquet"))


def test_an_outage_or_a_wrong_address_erases_nothing(aggregate: Aggregate) -> None:
    window = ("--start", "2026-05-01", "--end", "2026-05-02")
    aggregate.put("2026/05/01/10/a", lines([reading("S", "2026-05-01 10:00:00.000")]))
    aggregate("unicorn_minutes", *window)
    (aggregate.source / "2026/05/01/10/a").rename(aggregate.source / "_a")
    assert "which this run would erase" in aggregate("unicorn_minutes", *window, code=2)
    (aggregate.source / "2026/05/01/10/broken").symlink_to("nowhere")
    # One that belongs to the next day's run, read because its records may be late.
    (aggregate.source / "2026/05/02/03").mkdir(parents=True)
    (aggregate.source / "2026/05/02/03/broken").symlink_to("nowhere")
    assert "could be read" in aggregate("unicorn_minutes", *window, code=5)
    assert len(aggregate.rows("unicorn_minutes")) == 1


def test_a_bucket_gives_the_rows_of_the_same_objects_in_a_folder(aggregate: Aggregate) -> None:
    start = dt.datetime(2026, 5, 1, 22, 59)
    events = [{f"{n:036d}": f"test-{start + dt.timedelta(seconds=n)}"} for n in range(90)]
    objects = {
        "2026/05/01/22/a": "".join(map(json.dumps, events[:40])),
        "2026/05/01/23/b": "".join(map(json.dumps, events[30:])),
        "2026/04/01/00/other": lines(events),
    }
    for key, text in objects.items():
        aggregate.put(key, text)
    window = ("--start", "2026-05-01", "--end", "2026-05-02")
    expected = aggregate("events_per_minute", *window)["records"]
    rows = aggregate.rows("events_per_minute")
    assert [row["events"] for row in rows] == [60, 30]
    assert expected["duplicates"] == 10
    aggregate.lake = aggregate.lake.with_name("from-s3")
    with s3_server() as server:
        server.seed("archive", {f"in/{key}": text.encode() for key, text in objects.items()})
        found = aggregate(
            *("events_per_minute", *window, "--endpoint-url", server.endpoint_url),
            *("--region", "us-east-1"),
            source="s3://archive/in",
        )
    assert found["records"] == expected
    assert aggregate.rows("events_per_minute") == rows


def test_times_of_the_first_and_the_last_year_are_written_and_older_ones_rejected(
    aggregate: Aggregate,
) -> None:
    times = ["1900-01-01 00:00:00.000", "9998-12-31 23:59:59.999", "1899-12-31 23:59:59.999"]
    aggregate.put("a", lines([reading("S", time) for time in [*times, "0001-01-01 00:00:00.000"]]))
    summary = aggregate("unicorn_minutes", "--max-reject-share", 1)
    assert summary["reasons"] == {"bad_time": 2}
    assert [str(row["window_start"]) for row in aggregate.rows("unicorn_minutes")] == [
        "1900-01-01 00:00:00+00:00",
        "9998-12-31 23:59:00+00:00",
    ]
