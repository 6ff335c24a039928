"""`score` over made and real archives: golden scores, states, order, rejects, privacy.

The job server runs as on a machine whose time zone is New York's.
"""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import io
import json
import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stormlake.scoring.forest import Forest, ForestOptions, seed_of_key
from stormlake.simulate.vitals import device_registry, vital_records
from tests.data import shared
from tests.integration.runs import Finished, JobServer, assert_nothing_dead, lake_table

pytestmark = pytest.mark.spark

START = 1_767_225_600  # 2026-01-01T00:00:00Z
DAY = dt.timedelta(days=1)
TOP = [293, 403, 606, 942, 1054, 1091, 1162, 1559, 1693, 1959, 2005]


class Score:
    """Runs `score` into one lake, and reads what it left."""

    def __init__(self, job: JobServer, folder: Path) -> None:
        self.job = job
        self.folder = folder
        self.source = folder / "archive"
        self.lake = folder / "lake"
        self.source.mkdir(parents=True)

    def put(self, key: str, data: bytes | str) -> Path:
        path = self.source / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return path

    def run(self, kind: str, *options: object, source: object = None) -> Finished:
        return self.job(
            *(kind, "--source", source or self.source, "--lake", self.lake, "--output", "json"),
            *(() if "--master" in options else ("--master", "local[2]")),
            *options,
            command="score",
        )

    def __call__(self, kind: str, *options: object, code: int = 0, source: object = None) -> Any:
        return self.run(kind, *options, source=source).expect(code).summary

    def rows(self) -> list[dict[str, Any]]:
        rows = lake_table(self.lake, "anomaly_scores").to_pylist()
        return sorted(rows, key=lambda row: (row["model_key"], row["event_time"], row["record_id"]))

    def states(self) -> dict[tuple[str, str], tuple[str, int, bytes]]:
        """(date, model_key): options_hash, entries_seen, state."""
        found = {}
        for path in sorted(self.lake.glob("rcf_state/source=*/date=*/*.parquet")):
            date = path.parent.name.removeprefix("date=")
            for row in pq.ParquetFile(path).read().to_pylist():
                key = (date, row.pop("model_key"))
                assert key not in found, "one row a key and date"
                found[key] = (row["options_hash"], row["entries_seen"], row["state"])
        return found

    def reasons(self) -> list[tuple[int, str]]:
        rows = lake_table(self.lake, "rejects").to_pylist()
        return sorted((row["byte_offset"], row["reason"]) for row in rows)


@pytest.fixture
def score(job: JobServer, tmp_path: Path) -> Score:
    return Score(job, tmp_path)


def lines(records: Iterable[dict[str, Any]]) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


def gusts() -> list[dict[str, Any]]:
    """The golden wind series: 903 speeds a second apart, with three gusts."""
    speeds = np.random.default_rng(5).normal(30, 6, 903)
    speeds[[300, 500, 800]] = 90, 105, 88
    return [
        {"location": "Farm-1", "speed": speed, "timestamp": START + second}
        for second, speed in enumerate(speeds.tolist())
    ]


def two_farms(days: int, every: int, first: int = 0) -> list[dict[str, Any]]:
    """Readings of two farms over some days; the second is silent on the second day."""
    random_ = np.random.default_rng(8)
    found = []
    for second in range(first, first + days * 86_400, every):
        for farm in ("Köln, West", "B"):
            speed = float(random_.normal(30, 6))
            if farm != "B" or second // 86_400 != 1:
                found.append({"location": farm, "speed": speed, "time": START + second})
    return found


def test_the_golden_gusts_score_as_they_should_in_any_order_and_by_any_number_of_tasks(
    score: Score, tmp_path: Path
) -> None:
    records = gusts()
    score.put("wind.json", lines(records))
    told = score("wind", "--scope", "global", "--master", "local[1]")
    rows = score.rows()

    scores = [row["score"] for row in rows]
    assert [scores[at] for at in (300, 500, 800)] == pytest.approx([5.90, 5.29, 4.76], abs=0.01)
    others = [value for at, value in enumerate(scores) if at not in (300, 500, 800)]
    assert max(others) == pytest.approx(2.69, abs=0.01)
    assert sum(value >= 2 for value in scores) == 10
    assert [at for at, row in enumerate(rows) if row["anomaly"]] == [300, 500, 800]
    assert scores[:256] == [0.0] * 256
    assert (told["scored"], told["anomalies"], told["warming_up"]) == (903, 3, 256)
    first = rows[300]
    assert (first["model_key"], first["location"], first["device_id"]) == ("global", "Farm-1", None)
    assert json.loads(first["features"]) == {"speed": 90.0}
    assert first["event_time"] == dt.datetime(2026, 1, 1, 0, 5, tzinfo=dt.UTC)

    # The same as three files, shuffled, one record twice, one file gzipped, on eight tasks.
    again = Score(score.job, tmp_path / "again")
    shuffled = random.Random(1).sample(records, len(records))
    again.put("a", lines(shuffled[:300]))
    again.put("b.gz", gzip.compress(lines(shuffled[300:500] + shuffled[:1]).encode()))
    again.put("c", json.dumps(shuffled[500:]))
    told = again("wind", "--scope", "global", "--master", "local[8]")
    assert told["records"]["duplicates"] == 1
    assert again.rows() == rows
    assert again.states() == score.states()

    # With one forest a place, a single place differs by its seed alone.
    by_key = Score(score.job, tmp_path / "by key")
    by_key.put("wind.json", lines(records))
    by_key("wind")
    seed = seed_of_key(42, "Farm-1")
    forest = Forest.new(ForestOptions(), 1, seed)
    assert [row["score"] for row in by_key.rows()] == [
        forest.score([record["speed"]]) for record in records
    ]
    assert {row["model_key"] for row in by_key.rows()} == {"Farm-1"}


def test_the_originals_setting_is_still_warming_up_at_the_first_two_gusts(score: Score) -> None:
    score.put("wind.json", lines(gusts()))
    score("wind", "--scope", "global", "--trees", 50, "--sample", 628)
    scores = [row["score"] for row in score.rows()]
    assert (scores[300], scores[500]) == (0.0, 0.0)
    assert scores[800] > 3


def test_two_halves_equal_the_whole_and_a_date_again_changes_nothing(
    score: Score, tmp_path: Path
) -> None:
    records = [
        # Nobody sends on the fourth day.
        *two_farms(3, 150),
        *two_farms(1, 150, first=4 * 86_400),
    ]
    score.put("wind.json", lines(records))
    small = ("--sample", "64", "--trees", "20", "--shingle", "3")
    window = ("--start", "2026-01-01", "--end", "2026-01-06")
    whole = score("wind", *small, *window, "--master", "local[1]")
    assert (whole["keys"], whole["days"], whole["state_of"]) == (2, 5, None)

    halves = Score(score.job, tmp_path / "halves")
    halves.put("wind.json", lines(random.Random(2).sample(records, len(records))))
    halves("wind", *small, "--start", "2026-01-01", "--end", "2026-01-03")
    told = halves("wind", *small, "--start", "2026-01-03", "--end", "2026-01-06")
    assert told["state_of"] == "2026-01-02"
    assert halves.rows() == score.rows()
    states = halves.states()
    assert states == score.states()
    # Every key at the end of every date, also where it, or everybody, was silent.
    days = [f"2026-01-0{n}" for n in (1, 2, 3, 4, 5)]
    assert sorted(states) == [(day, key) for day in days for key in ("B", "Köln, West")]
    assert states["2026-01-01", "B"] == states["2026-01-02", "B"]
    assert states["2026-01-03", "B"] == states["2026-01-04", "B"]
    assert states["2026-01-03", "B"] != states["2026-01-02", "B"]

    again = halves.run("wind", *small, "--start", "2026-01-03", "--end", "2026-01-04").expect(0)
    assert halves.rows() == score.rows()
    assert halves.states() == score.states()
    assert "has scores of 1 later days, the first is 2026-01-05" in again.stderr
    assert_nothing_dead(halves.lake)


def test_an_empty_day_between_the_last_state_and_the_first_day_is_passed_over(
    score: Score, tmp_path: Path
) -> None:
    records = [*two_farms(1, 300), *two_farms(1, 300, first=3 * 86_400)]
    score.put("wind.json", lines(records))
    small = ("--sample", "64", "--trees", "20")
    score("wind", *small)

    parts = Score(score.job, tmp_path / "parts")
    parts.put("wind.json", lines(records))
    parts("wind", *small, "--start", "2026-01-01", "--end", "2026-01-02")
    later = parts.run("wind", *small, "--start", "2026-01-04", "--end", "2026-01-05").expect(0)
    assert later.summary["state_of"] == "2026-01-01"
    assert "the newest state of wind before 2026-01-04 is that of 2026-01-01" in later.stderr
    assert parts.rows() == score.rows()
    assert parts.states()["2026-01-04", "B"] == score.states()["2026-01-04", "B"]


@pytest.mark.one_runtime
def test_many_keys_are_scored_a_day_at_a_time_and_a_first_day_may_be_empty(score: Score) -> None:
    # More states than are made at once: every day is a pass of its own, and hands on its states.
    keys, days = 300, (1, 2, 3)
    speeds = np.random.default_rng(3).normal(30, 6, (keys, len(days), 6)).round(2)
    score.put(
        "wind.json",
        lines(
            {"location": f"F{key}", "speed": speed, "time": START + 86_400 * days[at] + 60 * n}
            for key in range(keys)
            for at, of_day in enumerate(speeds[key].tolist())
            for n, speed in enumerate(of_day)
        ),
    )
    window = ("--start", "2026-01-01", "--end", "2026-01-06")
    small = {"trees": 2, "sample": 10}
    told = score("wind", "--trees", 2, "--sample", 10, *window)
    assert (told["keys"], told["days"], told["scored"]) == (300, 5, 5400)
    assert told["rows"]["rcf_state"] == 300 * 4
    rows = score.rows()
    for key in (0, 7, 299):
        forest = Forest.new(ForestOptions(**small), 1, seed_of_key(42, f"F{key}"))
        expected = [forest.score([speed]) for speed in speeds[key].ravel().tolist()]
        assert [row["score"] for row in rows if row["model_key"] == f"F{key}"] == expected
        assert score.states()["2026-01-05", f"F{key}"][1:] == (18, forest.to_bytes())


@pytest.mark.one_runtime
def test_a_state_of_other_options_is_an_error_and_a_missing_one_can_be(score: Score) -> None:
    score.put("wind.json", lines(two_farms(2, 600)))
    second = ("--start", "2026-01-02", "--end", "2026-01-03")
    missing = score.run("wind", *second, "--require-state").expect(2)
    assert "no state of wind before 2026-01-02" in missing.stderr
    assert not score.rows()

    score("wind", "--sample", "64", "--start", "2026-01-01", "--end", "2026-01-02")
    before = score.rows(), score.states()
    for other in (("--sample", "65"), ("--sample", "64", "--scope", "global")):
        refused = score.run("wind", *other, *second).expect(2)
        assert "the state of wind at the end of 2026-01-01 was made with other" in refused.stderr
    assert (score.rows(), score.states()) == before
    told = score("wind", "--sample", "64", *second, "--require-state")
    assert told["state_of"] == "2026-01-01"


@pytest.mark.one_runtime
def test_nobody_goes_on_from_the_states_of_a_run_that_did_not_end(score: Score) -> None:
    score.put(
        "wind.json",
        lines(
            {"location": f"F{farm}", "speed": farm + n, "time": START + 86_400 * day + n}
            for farm in range(9)
            for day in range(2)
            for n in range(30)
        ),
    )
    first = ("--sample", "64", "--start", "2026-01-01", "--end", "2026-01-02")
    second = ("--sample", "64", "--start", "2026-01-02", "--end", "2026-01-03")
    score("wind", *first)
    # As a run leaves it that is killed while Spark moves its files: no record, some of the states.
    (record,) = score.lake.glob("_stormlake/runs/score-wind/*.json")
    record.unlink()
    refused = score.run("wind", *second).expect(2)
    assert "the state of wind at the end of 2026-01-01 is not that of a run that ended" in (
        refused.stderr
    )
    assert "score 2026-01-01 again first" in refused.stderr
    score("wind", *first)
    score("wind", *second)
    whole = score.rows()
    files = sorted(score.lake.glob("rcf_state/source=wind/date=2026-01-01/*.parquet"))
    assert len(files) > 1, "nine keys, more than one task"
    files[0].unlink()
    assert "is not that of a run that ended" in score.run("wind", *second).expect(2).stderr
    assert score.rows() == whole


@pytest.mark.one_runtime
def test_a_state_that_was_damaged_stops_the_run_and_is_named(score: Score) -> None:
    score.put("wind.json", lines(two_farms(2, 600)))
    score("wind", "--sample", "64", "--start", "2026-01-01", "--end", "2026-01-02")
    (path,) = score.lake.glob("rcf_state/source=wind/date=2026-01-01/*.parquet")
    table = pq.ParquetFile(path).read()
    bad = [
        b"rubbish" if key == "Köln, West" else state
        for key, state in zip(
            table.column("model_key").to_pylist(), table.column("state").to_pylist(), strict=True
        )
    ]
    at = table.schema.get_field_index("state")
    (path.parent / f".{path.name}.crc").unlink(missing_ok=True)
    pq.write_table(table.set_column(at, "state", pa.array(bad, pa.binary())), path)

    failed = score.run("wind", "--sample", "64", "--start", "2026-01-02", "--end", "2026-01-03")
    assert "saved state of 'Köln, West'" in failed.expect(1).stderr
    assert {row["event_time"].day for row in score.rows()} == {1}


def test_the_paper_series_has_its_golden_scores_from_a_csv_without_a_header(
    score: Score, tmp_path: Path
) -> None:
    paper = shared("rcf", "rcf-paper.csv")
    columns = ("--name", "rcf-paper", "--form", "csv", "--columns", "a,b,c")
    told = score("generic", *columns, "--fields", "a,b,c", source=paper)
    rows = score.rows()

    assert told["scored"] == len(rows) == 2010
    ranked = sorted(rows, key=lambda row: -row["score"])[:11]
    assert sorted(int(row["record_id"]) for row in ranked) == TOP
    assert rows[293]["record_id"] == "000000000293"
    golden = {256: 1.0447, 293: 3.7426, 1162: 2.6135, 2009: 0.7609}
    assert {n: rows[n]["score"] for n in golden} == pytest.approx(golden, abs=1e-4)
    assert [row["score"] for row in rows[:256]] == [0.0] * 256
    row = rows[0]
    assert (row["source"], row["model_key"], row["anomaly"]) == ("rcf-paper", "global", None)
    assert row["event_time"] == dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    assert json.loads(row["features"]) == {"a": -5.0048, "b": 0.0127, "c": -0.017}

    # With a header, times and ids: shuffled over two files, cut into two runs; and as JSON.
    with paper.open() as file:
        table = [
            {
                "n": n,
                "when": 1_767_225_600 + 60 * n,
                **dict(zip("abc", map(float, line), strict=True)),
            }
            for n, line in enumerate(csv.reader(file))
        ]
    other = Score(score.job, tmp_path / "other")
    shuffled = random.Random(3).sample(table, len(table))
    for name, part in (("x.csv", shuffled[:900]), ("y.csv", shuffled[900:])):
        text = io.StringIO()
        writer = csv.DictWriter(text, ["c", "n", "a", "when", "b"])
        writer.writeheader()
        writer.writerows(part)
        other.put(name, text.getvalue())
    named = ("--time", "when", "--id", "n")
    other("generic", *columns, *named, "--start", "2026-01-01", "--end", "2026-01-02")
    other("generic", *columns, *named, "--start", "2026-01-02", "--end", "2026-01-03")
    assert [row["score"] for row in other.rows()] == [row["score"] for row in rows]
    assert other.states()["2026-01-02", "global"] == score.states()["1970-01-01", "global"]
    assert {row["event_time"].day for row in other.rows()} == {1, 2}


def test_what_no_forest_may_see_is_rejected_with_its_reason(score: Score) -> None:
    good = {"id": "x", "v": 1.5}
    bad = [
        ('{"id": "n", "v": NaN}', "not_finite"),
        ('{"id": "i", "v": Infinity}', "not_finite"),
        ('{"id": "l", "v": 1e39}', "not_finite"),
        ('{"id": "u", "v": null}', "missing_field"),
        ('{"id": "m"}', "missing_field"),
        ('{"id": "t", "v": "high"}', "bad_type"),
        ('{"id": "nan", "v": "NaN"}', "bad_type"),
        ('{"v": 2}', "missing_field"),
        ('{"id": "o", "v": 3', "truncated"),
    ]
    texts = [json.dumps(good), '{"id": "s", "v": "55.2"}', *(text for text, _ in bad)]
    offsets = np.cumsum([0, *(len(text) + 1 for text in texts)])
    score.put("x.json", "\n".join(texts))
    options = ("--name", "x", "--columns", "v", "--id", "id", "--max-reject-share", "1")
    told = score("generic", *options)
    assert told["records"] == {
        "read": 11, "kept": 2, "duplicates": 0, "rejected": 9, "left": 0,
    }  # fmt: skip
    assert score.reasons() == [
        (int(offset), reason) for offset, (_, reason) in zip(offsets[2:-1], bad, strict=True)
    ]
    assert [(row["record_id"], row["features"]) for row in score.rows()] == [
        ("s", '{"v": 55.2}'),
        ("x", '{"v": 1.5}'),
    ]
    # The forest has seen the two good ones, nothing else.
    forest = Forest.new(ForestOptions(), 1, 42)
    for value in (55.2, 1.5):
        forest.score([value])
    assert score.states()["1970-01-01", "global"][1:] == (2, forest.to_bytes())


def test_csv_fields_that_are_no_numbers_are_rejected_with_their_reasons(score: Score) -> None:
    score.put("x.csv", 'v,name\n1,"a, b"\nNaN,c\n-inf,d\n,e\nhigh,f\n7\n2,g\n')
    options = ("--name", "x", "--form", "csv", "--columns", "v", "--max-reject-share", "1")
    told = score("generic", *options)
    assert told["reasons"] == {"bad_type": 1, "field_count": 1, "missing_field": 1, "not_finite": 2}
    assert told["comments"] == 1
    # A row's number counts the useless ones before it, the header not.
    assert [(row["record_id"], row["features"]) for row in score.rows()] == [
        ("000000000000", '{"v": 1.0}'),
        ("000000000006", '{"v": 2.0}'),
    ]


def test_a_score_that_the_record_carries_is_taken_when_asked_for(score: Score) -> None:
    records = [
        {"location": "A", "speed": 20, "time": START, "score": "10.2"},
        {"location": "A", "speed": 21, "time": START + 1, "score": 2.9},
        {"location": "A", "speed": 22, "time": START + 2},
    ]
    score.put("wind.json", lines(records))
    told = score("wind", "--score-from", "record", "--max-reject-share", "1")
    assert [(row["score"], row["anomaly"]) for row in score.rows()] == [(10.2, True), (2.9, False)]
    assert told["reasons"] == {"missing_field": 1}
    assert told["anomalies"] == 1
    assert not score.states()


PLANTED = range(1000, 20_000, 1000)


def planted_vitals(seed: int) -> np.ndarray[Any, Any]:
    """The golden vitals: pulse, systolic, diastolic; a low pulse in every thousandth row."""
    rng = np.random.default_rng(seed)
    pulse = rng.integers(60, 121, 20_000)
    systolic, diastolic = rng.integers(80, 201, 20_000), rng.integers(40, 121, 20_000)
    pulse[::1000] = rng.integers(0, 41, 20)
    return np.column_stack([pulse, systolic, diastolic])


def test_the_golden_vitals_flag_every_planted_pulse_and_no_other(score: Score) -> None:
    start = dt.datetime(2026, 5, 1)
    score.put(
        "vitals",
        "".join(
            json.dumps(
                {
                    "timestamp": f"{start + dt.timedelta(seconds=n):%Y-%m-%dT%H:%M:%S}",
                    "device_id": f"device{n % 50:04d}",
                    "pulse": pulse,
                    "systolic": systolic,
                    "diastolic": diastolic,
                }
            )
            for n, (pulse, systolic, diastolic) in enumerate(planted_vitals(1).tolist())
        ),
    )
    told = score("vitals")
    rows = score.rows()
    assert [n for n, row in enumerate(rows) if row["anomaly"]] == list(PLANTED)
    assert told["anomalies"] == 19
    assert rows[0]["score"] == 0 and rows[0]["anomaly"] is False
    assert {row["model_key"] for row in rows} == {"global"}
    assert rows[1]["device_id"] == "device0001"


def test_nothing_that_names_a_patient_is_in_any_byte_of_what_a_run_leaves(score: Score) -> None:
    start = dt.datetime(2026, 5, 1, 21, tzinfo=dt.UTC)
    sent = list(vital_records(600, 4, start))
    person = {"name": "Quixote, Dulcinea", "dob": "13/7/1961"}
    strange = sent[0] | person | {"device_id": "device9999"}
    texts = [
        *map(json.dumps, sent),
        json.dumps(strange),
        json.dumps(sent[1] | person | {"pulse": "Quixote, Dulcinea"}),
        json.dumps(sent[2] | person | {"timestamp": "13/7/1961"}),
        json.dumps(sent[3] | person)[:-9],
    ]
    score.put("2026/05/01/21/vitals-1", "".join(texts))
    registry = score.folder / "registry.csv"
    registry.write_bytes(device_registry(4))
    done = score.run("vitals", "--registry", registry, "--sample", "64").expect(0)

    assert done.summary["reasons"] == {
        "bad_time": 1, "bad_type": 1, "truncated": 1, "unknown_device": 1,
    }  # fmt: skip
    assert done.summary["scored"] == 600
    told = [*sent, strange]
    secrets = {str(record[member]) for record in told for member in ("name", "dob")}
    parts = {part for secret in secrets for part in secret.split(", ")}
    assert len(secrets) > 800 and "Quixote" in parts
    left = [done.stdout, done.stderr]
    for path in score.lake.rglob("*"):
        if not path.is_file():
            continue
        left += [path.name, path.read_bytes().decode("latin-1")]
        if path.suffix == ".parquet":
            for column in pq.ParquetFile(path).read().columns:
                left += [
                    v.decode("latin-1") if isinstance(v, bytes) else str(v)
                    for v in column.to_pylist()
                ]
    everything = "\n".join(left)
    assert "device0" in everything and "pulse" in everything
    dates = {part for part in parts if part[0].isdigit()}
    found = sorted(part for part in parts - dates if part in everything)
    # Of short names some stand in other words by chance, never whole or with a date.
    assert not [part for part in found if len(part) > 4], found
    assert not [secret for secret in secrets if secret in everything]
    rows = score.rows()
    for sent_only in ("patient_id", "temp", "oxygen_percent", *(r["patient_id"] for r in sent[:9])):
        assert sent_only not in str(rows)
    models = {(row["device_id"], row["manufacturer"], row["model"]) for row in rows}
    known = csv.DictReader(io.StringIO(device_registry(4).decode()))
    assert models <= {(d["device_id"], d["manufacturer"], d["model"]) for d in known}


@pytest.mark.one_runtime
def test_a_device_that_the_registry_has_twice_stops_the_run(score: Score) -> None:
    score.put("vitals", "{}")
    registry = score.folder / "registry.json"
    registry.write_text('{"device_id": "d1", "model": "x"}\n{"device_id": "d1"}\n')
    refused = score.run("vitals", "--registry", registry).expect(2)
    assert "d1 is there twice" in refused.stderr


@pytest.mark.one_runtime
def test_a_shingle_over_several_devices_is_refused(score: Score) -> None:
    score.put("wind.json", lines(two_farms(1, 3600)))
    refused = score.run("wind", "--scope", "global", "--shingle", "4").expect(2)
    assert "would make one series of B, Köln, West and others" in refused.stderr
    assert not score.rows()


@pytest.mark.one_runtime
def test_records_without_ids_in_two_objects_are_refused(score: Score) -> None:
    score.put("a.csv", "v\n1\n")
    score.put("b.csv", "v\n2\n")
    refused = score.run("generic", "--name", "x", "--form", "csv", "--columns", "v").expect(2)
    assert "holds 2 objects" in refused.stderr


@pytest.mark.one_runtime
def test_a_wrong_time_does_not_fill_the_lake_with_states(score: Score) -> None:
    records = [{"location": "A", "speed": 1, "time": time} for time in (1, START)]
    score.put("wind.json", lines(records))
    refused = score.run("wind").expect(2)
    assert "the records lie from 1970-01-01 to 2026-01-01" in refused.stderr
    assert not score.states()


@pytest.mark.one_runtime
def test_an_empty_source_gives_no_scores_and_erases_none(score: Score) -> None:
    score.put("wind.json", "")
    assert score("wind")["scored"] == 0
    score.put("wind.json", lines(two_farms(1, 3600)))
    score("wind")
    rows = score.rows()
    (score.source / "wind.json").unlink()
    refused = score.run("wind", "--start", "2026-01-01", "--end", "2026-01-02").expect(2)
    assert "which this run would erase" in refused.stderr
    assert score.rows() == rows


@pytest.mark.one_runtime
def test_a_run_id_that_has_finished_is_not_scored_again(score: Score) -> None:
    score.put("wind.json", lines(two_farms(1, 3600)))
    first = score("wind", "--run-id", "night-1")
    files = sorted(path.name for path in score.lake.rglob("*.parquet"))
    assert score("wind", "--run-id", "night-1") == first
    assert sorted(path.name for path in score.lake.rglob("*.parquet")) == files


@pytest.mark.one_runtime
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("wind", "--trees", "0"), "--trees 0: expected 1 to 1,000"),
        (("wind", "--columns", "speed"), "--columns belongs to `score generic`"),
        (("vitals", "--score-from", "record"), "belongs to `score wind`"),
        (("wind", "--registry", "x"), "--registry belongs to `score vitals`"),
        (("generic", "--columns", "v"), "needs --name SOURCE"),
        (("generic", "--name", "wind", "--columns", "v"), "--name wind"),
        (("generic", "--name", "a/b", "--columns", "v"), "--name a/b"),
        (("generic", "--name", "x"), "needs --columns"),
        (("generic", "--name", "x", "--columns", "v,v"), "names one twice"),
        (("generic", "--name", "x", "--columns", "v", "--scope", "key"), "needs --key COLUMN"),
        (("generic", "--name", "x", "--columns", "v", "--fields", "v"), "belongs to --form csv"),
        (
            ("generic", "--name", "x", "--form", "csv", "--columns", "v", "--fields", "w"),
            "--columns v is none of --fields w",
        ),
        (
            *(("generic", "--name", "x", "--columns", "v", "--start", "2026-01-01"), ),
            "--start and --end go together",
        ),
        (("wind", "--score-from", "record", "--require-state"), "has no state"),
    ],
)  # fmt: skip
def test_wrong_options_are_refused_before_anything_starts(
    score: Score, arguments: tuple[str, ...], said: str
) -> None:
    assert said in score.run(*arguments).expect(2).stderr
    assert not score.lake.exists()
