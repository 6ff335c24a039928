"""The sensor benchmark compares what is comparable, on archives that hold what they say."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks import sensor_archive, sensor_duckdb, sensor_job, sensor_report, sensor_targets
from benchmarks import sensor_throughput as ways
from benchmarks.processes import PYTHON_WORKERS, Usage
from benchmarks.targets import Target
from stormlake.simulate.shapes import Shape


@pytest.fixture
def small_base(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sensor_archive, "BASE", 2000)


def records_of(folder: Path) -> list[str]:
    return [line for path in sorted(folder.iterdir()) for line in path.read_text().splitlines()]


def test_every_hundredth_record_of_an_archive_is_a_copy(tmp_path: Path) -> None:
    found = records_of(sensor_archive.archive(tmp_path, 1000, per_object=300))
    assert (len(found), len(set(found))) == (1000, 990)
    assert sensor_archive.copies(1000) == 10
    assert found[99] == found[0]


@pytest.mark.parametrize("shape", list(Shape))
def test_an_archive_of_any_shape_holds_the_same_records(shape: Shape, tmp_path: Path) -> None:
    folder = sensor_archive.archive(tmp_path, 250, shape, per_object=100)
    assert [path.name for path in sorted(folder.iterdir())] == [
        f"unicorns-{number:04}.json" for number in range(3)
    ]
    found = []
    for path in sorted(folder.iterdir()):
        text, at = path.read_text(), 0
        while at < len(text):
            value, at = json.JSONDecoder().raw_decode(text, at)
            value = value.get("travel_data", value) if isinstance(value, dict) else value
            found += value if isinstance(value, list) else [value]
            at = len(text) if not text[at:].strip() else at + (text[at] == "\n")
    assert found == list(sensor_archive.readings(250))


@pytest.mark.usefixtures("small_base")
def test_a_large_archive_is_the_small_one_on_later_days(tmp_path: Path) -> None:
    found = records_of(sensor_archive.archive(tmp_path, 6000))
    assert (len(found), len(set(found))) == (6000, 5940)
    days = [json.loads(line)["StatusTime"][:10] for line in found]
    assert sorted(set(days)) == ["2026-05-01", "2026-05-04", "2026-05-07"]
    assert json.loads(found[4000])["StatusTime"][10:] == json.loads(found[0])["StatusTime"][10:]
    with pytest.raises(ValueError, match="multiple"):
        sensor_archive.archive(tmp_path, 3000)


def test_an_archive_is_made_once(tmp_path: Path) -> None:
    def made() -> list[int]:
        return [path.stat().st_mtime_ns for path in sensor_archive.archive(tmp_path, 100).iterdir()]

    assert made() == made()


def test_duckdb_aggregates_each_record_once(tmp_path: Path) -> None:
    folder = sensor_archive.archive(tmp_path, 1000, per_object=400)
    took = sensor_duckdb.aggregate(folder, tmp_path / "out")
    assert took["core_seconds"] > 0
    found = pq.read_table(tmp_path / "out").to_pydict()
    # 990 readings of four unicorns, one a second each: four whole minutes and a bit.
    assert len(found["name"]) == 4 * 5
    assert sum(found["record_count"]) == 990
    expected = {json.dumps(r): r["Distance"] for r in sensor_archive.readings(1000)}
    assert sum(found["distance"]) == pytest.approx(sum(expected.values()), abs=1e-4)


def test_a_table_that_differs_in_one_cell_is_told(tmp_path: Path) -> None:
    folder = sensor_archive.archive(tmp_path, 1000)
    sensor_duckdb.aggregate(folder, tmp_path / "theirs")
    (tmp_path / "ours").mkdir()
    sensor_duckdb.aggregate(folder, tmp_path / "ours" / "unicorn_minutes")
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    assert sensor_job.compare(ours, theirs) == {"ours": 20, "duckdb": 20, "differ": 0}
    (path,) = ours.rglob("*.parquet")
    table = pq.ParquetFile(path).read()
    one = table.column("distance").to_pylist()
    one[3] += 1e-4
    wrong = table.set_column(table.column_names.index("distance"), "distance", pa.array(one))
    pq.write_table(wrong.slice(1), path)  # a wrong sum, and a row too few
    assert sensor_job.compare(ours, theirs) == {"ours": 19, "duckdb": 20, "differ": 2}


def test_a_job_that_counts_otherwise_is_no_measurement() -> None:
    good = {"read": 1000, "kept": 990, "duplicates": 10, "rejected": 0, "left": 0}
    sensor_job.check_numbers(good, 1000)
    with pytest.raises(RuntimeError, match="expected"):
        sensor_job.check_numbers(good | {"kept": 989, "rejected": 1}, 1000)


def test_a_line_through_costs_tells_how_far_each_is_from_it() -> None:
    sizes = [1_000_000, 2_000_000, 5_000_000]
    found = sensor_job.line(sizes, [12.0, 14.0, 20.0])
    assert found["fixed"] == pytest.approx(10)
    assert found["per_million"] == pytest.approx(2)
    assert list(found["residuals"].values()) == pytest.approx([0, 0, 0], abs=1e-9)
    bent = sensor_job.line(sizes, [12.0, 14.0, 40.0])
    assert max(map(abs, bent["residuals"].values())) > 0.05


def measured() -> tuple[dict[str, object], dict[str, object]]:
    samples = {ways.SPARK_TYPED: [4.0, 5.0, 9.0], ways.SPARK_INFERRED: [8.0]}
    archives = [*map(str, Shape), *(f"{shape}, one object" for shape in ways.IN_ONE)]
    for what in archives:
        samples |= {ways.decoded(what): [8.0], ways.each_once(what): [10.0]}
    samples[ways.decoded("lines")] = [4.0]
    throughput = {
        "records": 1000,
        "bytes": dict.fromkeys(archives, 200_000),
        "rates": ways.rates(samples, 1000),
    }
    jobs = {}
    for millions, seconds, worker in ((1, 24.0, 100), (10, 96.0, 190)):
        usage = Usage()
        usage.cpu[PYTHON_WORKERS] = seconds
        usage.peak_rss |= {"JVM": 2**30, PYTHON_WORKERS: worker * 2**20}
        jobs[millions * 10**6] = sensor_job.Run(millions * 10**6, seconds, seconds, 0.5, usage)
    growth = {
        "jobs": {str(n): job.as_json() for n, job in jobs.items()},
        "compared": 10**6,
        "duckdb": {"version": "9", "core_seconds": 2.0, "peak_rss": 2**28},
        "agreement": {"ours": 5, "duckdb": 5, "differ": 0},
        "line": sensor_job.line(list(jobs), [job.core_seconds for job in jobs.values()]),
        "memory": sensor_job.memory({n: job.usage.peak_rss for n, job in jobs.items()}),
    }
    return throughput, growth


def test_targets_hold_each_shape_against_its_own_limit() -> None:
    throughput, growth = measured()
    found = {target.what: target for target in sensor_targets.targets(throughput, growth)}
    lines = found["lines: records/s and core, x Spark's reader"]
    assert (lines.value, lines.limit, lines.reached) == (1.0, 0.8, True)
    one = found["lines, one object: records/s and core, x Spark's reader"]
    assert (one.value, one.limit, one.reached) == (0.5, 0.8, False)
    array = found["array: records/s and core, x Spark's reader"]
    assert (array.value, array.limit, array.reached) == (0.5, 0.3, True)
    assert found["rows of unicorn_minutes that differ from DuckDB's"].reached
    assert not found["Python workers of Spark: peak memory, x the smallest run's"].reached
    assert found["JVM: peak memory, x the smallest run's"].reached


def test_the_report_shows_every_way_every_size_and_every_target() -> None:
    throughput, growth = measured()
    machine = {"cpu": "a processor", "cores": 2, "load_before": 0.0, "load_after": 0.0}
    result = {"machine": machine, "core": 1, "throughput": throughput, "growth": growth}
    found: list[Target] = sensor_targets.targets(throughput, growth)
    text = "\n".join(sensor_report.lines(result, found))
    assert "ours, pretty, each once" in text
    assert "16.0 core-seconds a run and 8.00 a million" in text
    assert "ours is 12.0 x that" in text
    for target in found:
        assert target.what in text
    short = "\n".join(sensor_report.lines(result | {"growth": None}, found[:7]))
    assert "DuckDB" not in short
