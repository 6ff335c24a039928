"""`ingest-radar` over all shared volumes: outcomes, golden numbers, and what its options do."""

from __future__ import annotations

import base64
import gzip
import json
import threading
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pyarrow.compute as pc
import pytest

from stormlake.lake.runs import read_records
from stormlake.lake.store import open_store
from tests.data import shared, wheel_file
from tests.integration.archives import copy_flat
from tests.integration.runs import (
    Finished,
    JobServer,
    assert_nothing_dead,
    lake_table,
    records,
    volumes,
)

pytestmark = pytest.mark.spark

CHUNKS = "chunks_TORD_20260811_225858/"

OUTCOMES = {
    # status, reason, cuts, rays: spec, section 7
    "volumes/KABR20050101_000745.gz": ("ok", None, 7, 2569),
    "volumes/KDMX20260101_154351_V06": ("ok", None, 12, 6480),
    "volumes/KDOX20111001_110612_V04.gz": ("ok", None, 11, 3961),
    "volumes/KLBB20160601_150025_V06": ("ok", None, 11, 5400),
    "volumes/KLIX20050828_180149.gz": ("ok", None, 16, 5855),
    "volumes/KLOT19950413_132143.gz": ("partial", "incomplete_cut", 11, 3995),
    "volumes/KLSX20251229_065156_V06": ("ok", None, 10, 5760),
    "volumes/KSRX20200805_154019_V06": ("ok", None, 16, 8640),
    "volumes/KTLX20140101_000624_V06.gz": ("ok", None, 7, 3960),
    "volumes/TORD20200818_113449_V08": ("ok", None, 16, 5760),
    "volumes/TORD20260811_225858_V08": ("ok", None, 16, 5760),
    "mosaic_NE_20100911/KBGM20100911_012056_V03.gz": ("ok", None, 8, 5040),
    "mosaic_NE_20100911/KCBW20100911_005706_V03.gz": ("ok", None, 7, 3960),
    "mosaic_NE_20100911/KDOX20100911_012056_V04.gz": ("ok", None, 7, 2520),
    "mosaic_NE_20100911/KENX20100911_011108_V03.gz": ("ok", None, 11, 5400),
    "sequence_KBGM_20050821/KBGM20050821_024323.gz": ("ok", None, 11, 4028),
    "sequence_KBGM_20050821/KBGM20050821_024910.gz": ("ok", None, 11, 4028),
    "sequence_KBGM_20050821/KBGM20050821_025458.gz": ("ok", None, 11, 4028),
    "sequence_KBGM_20050822/KBGM20050822_024414.gz": ("ok", None, 11, 4028),
    "sequence_KBGM_20050822/KBGM20050822_025001.gz": ("ok", None, 11, 4028),
    "sequence_KBGM_20050822/KBGM20050822_025549.gz": ("ok", None, 11, 4028),
    "sequence_KBGM_20050822/KBGM20050822_030243.gz": ("ok", None, 11, 4028),
    "sequence_KBGM_20050822/KBGM20050822_030830.gz": ("ok", None, 11, 4028),
    "damaged/KIWX20160429_194300_V06.gz": ("partial", "no_end_of_volume", 1, 76),
    "damaged/KMBX20160509_202910_V06.gz": ("partial", "no_end_of_volume", 1, 94),
    "damaged/KLVX20050106_163401.gz": ("partial", "no_end_of_volume", 5, 1573),
    "damaged/KBMX20160509_093623_V06.gz": ("rejected", "no_radials", None, None),
    "damaged/KCBW20150113_174533_V06.gz": ("rejected", "concatenated_volumes", None, None),
    CHUNKS: ("skipped", "duplicate_volume", 16, 5760),
}

CELLS = {
    # kept gates, cells with float64 geometry, columns: spec, section 5. The last five cells stand
    # there with Py-ART's geometry; of them TORD20200818 has one more (23,082).
    "volumes/KLBB20160601_150025_V06": (151_436, 35_420, 6_209),
    "volumes/KDOX20111001_110612_V04.gz": (8_588, 3_453, 1_044),
    "volumes/KTLX20140101_000624_V06.gz": (26, 82, 14),
    "volumes/KSRX20200805_154019_V06": (162_124, 84_715, 10_126),
    "volumes/KLIX20050828_180149.gz": (17_278, 113_360, 13_936),
    "volumes/TORD20260811_225858_V08": (17_252, 46_340, 5_489),
    "volumes/KDMX20260101_154351_V06": (34, 10, None),
    "volumes/KLSX20251229_065156_V06": (2, 0, 0),
    "volumes/KABR20050101_000745.gz": (45, 0, 0),
    "volumes/KLOT19950413_132143.gz": (2_387, 0, 0),
    "volumes/TORD20200818_113449_V08": (4_279, 23_081, None),
}


@dataclass(frozen=True)
class Run:
    """A run, its lake, and the largest resident size of each kind of process in it, bytes."""

    finished: Finished
    lake: Path
    peaks: dict[str, int]


@pytest.fixture(scope="module")
def everything(job: JobServer, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """One run over all shared volumes with the default profile."""
    shared("nexrad", "volumes", "KSRX20200805_154019_V06")
    lake = tmp_path_factory.mktemp("everything") / "lake"
    with _peaks(job.pid) as peaks:
        finished = job(
            *("--source", shared("nexrad"), "--lake", lake, "--master", "local[2]"),
            *("--output", "json", "--log-json"),
        )
    return Run(finished, lake, peaks)


@pytest.fixture
def rows(everything: Run) -> dict[str, dict[str, Any]]:
    return volumes(everything.lake)


def test_every_object_ends_as_one_row_with_the_outcome_of_the_specification(
    rows: dict[str, dict[str, Any]],
) -> None:
    found = {
        key: (row["status"], row["reason"], row["cuts"], row["rays"]) for key, row in rows.items()
    }

    assert found == OUTCOMES


def test_kept_gates_cells_and_columns_are_the_golden_ones(
    everything: Run, rows: dict[str, dict[str, Any]]
) -> None:
    grid = Counter(lake_table(everything.lake, "radar_grid").column("volume_time").to_pylist())
    columns = Counter(
        lake_table(everything.lake, "radar_columns").column("volume_time").to_pylist()
    )
    for key, (kept, cells, tall) in CELLS.items():
        row = rows[key]
        assert (row["gates_kept"], row["cells"]) == (kept, cells), key
        assert grid[row["volume_time"]] == cells, key
        assert columns[row["volume_time"]] == row["columns"], key
        if tall is not None:
            # The golden columns are those of Py-ART's geometry, at most 0.1 % apart from ours.
            assert abs(row["columns"] - tall) <= 0.001 * tall, key


def test_rows_of_the_tables_add_up(everything: Run, rows: dict[str, dict[str, Any]]) -> None:
    gridded = [row for row in rows.values() if row["status"] in {"ok", "partial"}]
    summary = everything.finished.summary

    assert summary["rows"] == {
        "radar_volumes": len(OUTCOMES),
        "radar_grid": sum(row["cells"] for row in gridded),
        "radar_columns": sum(row["columns"] for row in gridded),
        "radar_geometry": 301 * 301 * len({row["grid"] for row in gridded}),
    }
    for name, count in summary["rows"].items():
        assert lake_table(everything.lake, name).num_rows == count, name


def test_volume_time_comes_from_the_first_ray_and_key_time_from_the_name(
    rows: dict[str, dict[str, Any]],
) -> None:
    for key, seconds in {
        "volumes/KABR20050101_000745.gz": 12,
        "damaged/KLVX20050106_163401.gz": 35,
    }.items():
        apart = abs((rows[key]["volume_time"] - rows[key]["key_time"]).total_seconds())
        assert round(apart) == seconds, key


def test_reflectivity_is_rounded_to_tenths_and_heights_are_those_of_the_levels(
    everything: Run,
) -> None:
    grid = lake_table(everything.lake, "radar_grid")
    values = grid.column("reflectivity").to_numpy()
    levels, heights = grid.column("level").to_numpy(), grid.column("height").to_numpy()

    assert abs(values.astype(float) * 10 - (values.astype(float) * 10).round()).max() < 1e-4
    assert (heights == (levels + 1) * 1000).all()
    assert (
        51.7
        <= pc.max(grid.filter(pc.equal(grid["station"], "KLBB"))["reflectivity"]).as_py()
        <= 51.9
    )


def test_radar_grid_costs_at_most_two_bytes_a_row(everything: Run) -> None:
    written = [
        (partition["bytes"], partition["rows"])
        for partition in records(everything.lake)[0]["tables"]["radar_grid"]
        # A footer of a few kilobytes decides about a partition of a few rows.
        if partition["rows"] >= 20_000
    ]

    assert len(written) >= 5
    assert sum(size for size, _ in written) / sum(count for _, count in written) <= 2.0


def test_geometry_is_whole_and_joins_every_volume_that_gave_rows(
    everything: Run, rows: dict[str, dict[str, Any]]
) -> None:
    geometry = lake_table(everything.lake, "radar_geometry")
    sites = Counter(zip(geometry["station"].to_pylist(), geometry["grid"].to_pylist(), strict=True))

    assert sites.keys() == {(r["station"], r["grid"]) for r in rows.values() if r["grid"]}
    assert set(sites.values()) == {301 * 301}
    # KDOX moved between 2010 and 2011 (its header says 13 m, then 45 m); TORD's file moved too.
    assert {station: n for station, n in Counter(s for s, _ in sites).items() if n > 1} == {
        "KBGM": 2,
        "KDOX": 2,
        "TORD": 2,
    }
    assert all(row["grid"] is None for row in rows.values() if row["status"] == "rejected")


def test_the_summary_the_record_and_the_exit_code_say_the_same(everything: Run) -> None:
    # 2 of 28 judged volumes are rejected: 7 %, more than the default limit of 5 %.
    summary = everything.finished.expect(3).summary
    (record,) = records(everything.lake)

    assert summary["volumes"] == {"ok": 22, "partial": 4, "rejected": 2, "skipped": 1}
    assert summary["reasons"] == {
        "concatenated_volumes": 1,
        "duplicate_volume": 1,
        "incomplete_cut": 1,
        "no_end_of_volume": 3,
        "no_radials": 1,
    }
    read = sum(path.stat().st_size for path in shared("nexrad").rglob("*") if path.is_file())
    assert summary["bytes_read"] == read
    assert summary["bytes_written"] == sum(
        path.stat().st_size for path in everything.lake.glob("radar_*/**/*.parquet")
    )
    assert summary["wall_seconds"] > 0 and summary["core_seconds"] > 0
    assert (summary["ok"], record["ok"], record["exit_code"]) == (False, False, 3)
    assert record["run_id"] == summary["run_id"]
    assert record["summary"] == summary
    assert "TooManyRejects: 2 of 28 volumes" in everything.finished.stderr
    assert [r.run_id for r in read_records(open_store(str(everything.lake)))] == [record["run_id"]]
    assert_nothing_dead(everything.lake)


def test_the_record_names_every_file_of_every_partition(everything: Run) -> None:
    (record,) = records(everything.lake)
    named = {
        file["path"]: file["bytes"]
        for partitions in record["tables"].values()
        for partition in partitions
        for file in partition["files"]
    }

    assert named == {
        str(path.relative_to(everything.lake)): path.stat().st_size
        for path in everything.lake.glob("radar_*/**/*.parquet")
    }
    emptied = {
        (partition["partition"]["station"], partition["partition"]["date"])
        for partition in record["tables"]["radar_grid"]
        if not partition["files"]
    }
    assert ("KABR", "2005-01-01") in emptied, "the scope stands there without rows too"


def test_with_log_json_every_line_of_ours_is_one_json_object(everything: Run) -> None:
    lines = everything.finished.stderr.splitlines()

    parsed = [json.loads(line) for line in lines]
    assert len(parsed) >= 5
    assert all({"time", "level", "logger", "message"} <= line.keys() for line in parsed)


def test_a_worker_and_its_decoder_stay_below_a_gibibyte_and_a_half(everything: Run) -> None:
    # KSRX20200805, 7.6 MB and 16 cuts, is among the volumes.
    assert everything.peaks.keys() >= {"worker", "decoder"}
    gibibytes = {kind: size / 2**30 for kind, size in everything.peaks.items()}
    print(f"largest resident sizes, GiB: {gibibytes}")

    assert gibibytes["worker"] < 1.5
    assert gibibytes["decoder"] < 1.5
    assert gibibytes["worker"] + gibibytes["decoder"] < 1.5


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files whose names tell little: the header, the folder or nobody says what they are."""
    root = tmp_path_factory.mktemp("odd") / "source"
    copy_flat(root, "volumes/KLBB20160601_150025_V06")
    chunks = root / "chunks"
    chunks.mkdir()
    for chunk in sorted(shared("nexrad", "chunks_TORD_20260811_225858").iterdir()):
        (chunks / chunk.name).write_bytes(chunk.read_bytes())
    torn = root / "torn"
    torn.mkdir()
    for chunk in sorted(chunks.iterdir())[:-1]:
        (torn / chunk.name).write_bytes(chunk.read_bytes())
    katx = wheel_file("example_nexrad_archive_msg31_compressed.ar2v").read_bytes()
    (root / "katx.ar2v").write_bytes(katx)
    (root / "KLOT20030101_000921.bz2").write_bytes(
        wheel_file("example_nexrad_archive_msg1.bz2").read_bytes()
    )
    # A header, as every volume has, and nothing behind it; its station is no station.
    (root / "nobody.gz").write_bytes(gzip.compress(katx[:20] + b"????" + katx[24:5000]))
    (root / "readme.txt").write_text("not a volume")
    (root / "_hidden").write_bytes(katx)
    (root / "KATX20130717_195021_V06_MDM").write_bytes(b"metadata")
    return root


@pytest.fixture(scope="module")
def notebook(job: JobServer, odd: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    lake = tmp_path_factory.mktemp("notebook") / "lake"
    finished = job(
        *("--source", odd, "--lake", lake, "--master", "local[2]", "--profile", "notebook"),
        *("--max-reject-share", "1", "--run-id", "attempt-7", "--output", "json"),
    )
    return Run(finished, lake, {})


def test_the_notebook_profile_gives_the_golden_numbers(notebook: Run) -> None:
    notebook.finished.expect(0)
    rows = volumes(notebook.lake)
    grid = lake_table(notebook.lake, "radar_grid")

    def levels(station: str) -> list[int]:
        found = Counter(grid.filter(pc.equal(grid["station"], station))["level"].to_pylist())
        return [found[level] for level in range(11)]

    assert levels("KATX") == [0, 68, 106, 113, 107, 90, 57, 27, 1, 0, 0]
    assert levels("KLBB") == [211, 478, 482, 425, 375, 286, 200, 114, 55, 24, 11]
    assert rows["katx.ar2v"]["gates_kept"] == 3_275
    assert rows["katx.ar2v"]["gates_reflectivity"] == 3_547
    assert rows["KLBB20160601_150025_V06"]["gates_kept"] == 54_563
    assert rows["KLBB20160601_150025_V06"]["max_reflectivity"] == pytest.approx(50.7909, abs=0.05)
    assert {row["profile"] for row in rows.values()} == {"notebook"}


def test_the_corners_of_the_notebooks_grid_lie_where_the_specification_says(notebook: Run) -> None:
    geometry = lake_table(notebook.lake, "radar_geometry")
    of_katx = geometry.filter(pc.equal(geometry["station"], "KATX")).to_pylist()
    places = {(row["iy"], row["ix"]): (row["latitude"], row["longitude"]) for row in of_katx}

    assert len(places) == 10_000
    assert places[0, 0] == pytest.approx((45.43022878, -126.34021659), abs=1e-7)
    assert places[99, 0] == pytest.approx((50.81667150, -126.76675546), abs=1e-7)
    assert places[99, 99] == pytest.approx((50.81667150, -118.22463858), abs=1e-7)
    assert places[0, 99] == pytest.approx((45.43022878, -118.65117746), abs=1e-7)
    assert {(row["x"], row["y"]) for row in of_katx if row["iy"] == row["ix"] == 0} == {
        (-300_000.0, -300_000.0)
    }


def test_names_that_say_nothing_are_placed_by_the_header_else_under_unknown(notebook: Run) -> None:
    rows = volumes(notebook.lake)
    placed = {
        key: (row["station"], row["date"].isoformat(), row["status"], row["reason"])
        for key, row in rows.items()
    }

    assert placed == {
        "KLBB20160601_150025_V06": ("KLBB", "2016-06-01", "ok", None),
        "KLOT20030101_000921.bz2": ("KLOT", "2003-01-01", "ok", None),
        "KATX20130717_195021_V06_MDM": ("KATX", "2013-07-17", "skipped", "metadata_only"),
        "katx.ar2v": ("KATX", "2013-07-17", "partial", "no_end_of_volume"),
        "chunks/": ("TORD", "2026-08-11", "ok", None),
        "torn/": ("TORD", "2026-08-11", "skipped", "duplicate_volume"),
        "nobody.gz": ("_unknown", "1970-01-01", "rejected", rows["nobody.gz"]["reason"]),
        "readme.txt": ("_unknown", "1970-01-01", "skipped", "unknown_key"),
    }
    assert rows["nobody.gz"]["reason"] in {"unknown_station", "no_radials", "decode_error"}
    assert (rows["chunks/"]["cuts"], rows["chunks/"]["rays"]) == (16, 5760)
    assert (rows["torn/"]["cuts"], rows["torn/"]["rays"]) == (16, 5640)
    assert rows["KLOT20030101_000921.bz2"]["altitude"] == pytest.approx(202.1, abs=0.05)


def test_a_run_id_that_is_given_names_the_run(notebook: Run) -> None:
    assert notebook.finished.summary["run_id"] == "attempt-7"
    assert (notebook.lake / "_stormlake/runs/ingest-radar/attempt-7.json").is_file()


def test_a_rerun_empties_days_that_lost_their_echo_and_keeps_unknown_of_the_latest_run_only(
    job: JobServer, notebook: Run, tmp_path: Path
) -> None:
    # Now KATX's volume is cut behind its header, one file that nobody knows is new, others are
    # out of the scope.
    katx = wheel_file("example_nexrad_archive_msg31_compressed.ar2v").read_bytes()
    source = tmp_path / "source"
    source.mkdir()
    (source / "KATX20130717_195021_V06").write_bytes(katx[:24])
    (source / "new.txt").write_text("not a volume")
    before = volumes(notebook.lake)

    job(
        *("--source", source, "--lake", notebook.lake, "--master", "local[1]"),
        *("--profile", "notebook", "--max-reject-share", "1"),
    ).expect(0)

    rows = volumes(notebook.lake)
    of_katx = [key for key, row in rows.items() if row["station"] == "KATX"]
    assert of_katx == ["KATX20130717_195021_V06"]
    assert rows["KATX20130717_195021_V06"]["reason"] == "no_radials"
    assert [key for key, row in rows.items() if row["station"] == "_unknown"] == ["new.txt"]
    for name in ("radar_grid", "radar_columns"):
        stations = set(lake_table(notebook.lake, name)["station"].to_pylist())
        assert stations == {"KLBB", "KLOT", "TORD"}, name
    untouched = {
        key: row for key, row in before.items() if row["station"] in {"KLBB", "KLOT", "TORD"}
    }
    assert {key: rows[key] for key in untouched} == untouched


def test_station_and_days_limit_a_folder_and_empty_the_days_asked_for(
    job: JobServer, coarse: Path, tmp_path: Path
) -> None:
    source = copy_flat(
        tmp_path / "source",
        "volumes/KABR20050101_000745.gz",
        "volumes/KTLX20140101_000624_V06.gz",
        "sequence_KBGM_20050821/KBGM20050821_024323.gz",
        "sequence_KBGM_20050822/KBGM20050822_024414.gz",
    )
    lake = tmp_path / "lake"
    arguments = [
        *("--source", str(source), "--lake", str(lake), "--profile", str(coarse)),
        *("--station", "KBGM", "--station", "KABR", "--start", "2005-08-21"),
        *("--end", "2005-08-22T00:00:00Z", "--output", "json"),
    ]
    packed = base64.urlsafe_b64encode(json.dumps(arguments).encode()).decode().rstrip("=")

    summary = job("--master", "local[1]", "--options", packed).expect(0).summary

    assert list(volumes(lake)) == ["KBGM20050821_024323.gz"]
    assert summary["volumes"]["ok"] == 1
    (record,) = records(lake)
    assert (record["start"], record["end"]) == ("2005-08-21", "2005-08-22")
    scope = {tuple(p["partition"].values()) for p in record["tables"]["radar_volumes"]}
    assert scope == {("2005-08-21", "KABR"), ("2005-08-21", "KBGM")}


def test_a_dry_run_says_what_would_be_read_and_touches_nothing(
    job: JobServer, tmp_path: Path
) -> None:
    lake = tmp_path / "lake"
    arguments = ("--source", shared("nexrad"), "--lake", lake, "--dry-run")

    finished = job(*arguments, "--output", "json").expect(0)

    files = [path for path in shared("nexrad").rglob("*") if path.is_file()]
    plan = finished.summary
    assert plan["objects"] == len(OUTCOMES)
    assert plan["bytes"] == sum(path.stat().st_size for path in files)
    assert plan["skipped"] == 0
    assert 0 < plan["tasks"] <= len(OUTCOMES)
    text = job(*arguments).expect(0).stdout
    assert f"would read {len(OUTCOMES)} volumes ({plan['bytes']:,} bytes)" in text
    assert not lake.exists()


REFUSED: dict[str, tuple[list[str], str]] = {
    "a missing folder": (["--source", "/no/such/folder"], "does not exist"),
    "a file as folder": (["--source", __file__], "is not a folder"),
    "a time of day": (["--start", "2016-06-01T06:00:00"], "is not midnight UTC"),
    "no day": (["--start", "yesterday"], "is not a day such as 2016-06-01"),
    "an empty window": (
        ["--start", "2016-06-02", "--end", "2016-06-02"],
        "is not before --end",
    ),
    "a station in small letters": (["--station", "klbb"], "'klbb' is not four capital letters"),
    "an unknown profile": (["--profile", "storm"], "no profile 'storm'"),
    "a bad profile": (["--profile", "{bad}"], "unknown key"),
    "a bad station file": (["--station-file", "{bad}"], "{bad}"),
    "a share above one": (["--max-reject-share", "1.5"], "1.5"),
    "broken options": (["--options", "%%%"], "is not base64url of a JSON list"),
    "options that are no list": (["--options", "e30="], "must hold a JSON list of texts"),
    "an unknown option": (["--nonsense"], "No such option"),
    "another kind of URI": (["--source", "ftp://archive"], "expected s3://BUCKET"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_used_is_refused_with_exit_2_before_any_table_is_made(
    job: JobServer, tmp_path: Path, what: str
) -> None:
    arguments, message = REFUSED[what]
    bad = tmp_path / "bad.toml"
    bad.write_text('name = "bad"\nnonsense = 1\n')
    source = tmp_path / "source"
    source.mkdir()
    lake = tmp_path / "lake"

    finished = job(
        *("--source", source, "--lake", lake),
        *(argument.format(bad=bad) for argument in arguments),
    ).expect(2)

    assert message.format(bad=bad) in " ".join(finished.stderr.split()), finished.stderr
    assert finished.stdout == ""
    assert not list(lake.glob("radar_*"))


def test_an_empty_lake_is_refused_and_does_not_mean_the_working_directory(job: JobServer) -> None:
    assert "--lake is empty" in job("--source", ".", "--lake", "").expect(2).stderr


def test_without_a_lake_the_command_says_which_option_is_missing(job: JobServer) -> None:
    assert "--lake" in job("--source", ".").expect(2).stderr


def test_an_empty_folder_gives_an_empty_lake_with_a_record_and_a_warning(
    job: JobServer, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    source.mkdir()

    finished = job(
        *("--source", source, "--lake", tmp_path / "lake"),
        *("--master", "local[1]", "--output", "json"),
    ).expect(0)

    assert "holds nothing in this scope" in finished.stderr
    assert finished.summary["volumes"] == {"ok": 0, "partial": 0, "rejected": 0, "skipped": 0}
    assert records(tmp_path / "lake")[0]["ok"] is True


def test_a_lake_that_is_a_file_is_refused_by_its_name(job: JobServer, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    lake.write_text("not a folder")
    source = copy_flat(tmp_path / "source", "volumes/KABR20050101_000745.gz")

    finished = job("--source", source, "--lake", lake, "--master", "local[1]")

    assert finished.code == 2
    assert str(lake) in finished.stderr
    assert "Traceback" not in finished.stderr
    assert lake.read_text() == "not a folder"


@dataclass
class _Peaks:
    largest: dict[str, int]
    stop: threading.Event

    def watch(self, pid: int) -> None:
        while not self.stop.wait(0.1):
            for process in psutil.Process(pid).children(recursive=True):
                kind = _kind(process)
                if kind:
                    self.largest[kind] = max(self.largest.get(kind, 0), _peak(process.pid))


class _peaks:  # noqa: N801  # reads as a block: `with _peaks(pid) as peaks`
    """Watch the peak resident size (VmHWM) of workers and decoders below a process."""

    def __init__(self, pid: int) -> None:
        self._peaks = _Peaks({}, threading.Event())
        self._thread = threading.Thread(target=self._peaks.watch, args=(pid,), daemon=True)

    def __enter__(self) -> dict[str, int]:
        self._thread.start()
        return self._peaks.largest

    def __exit__(self, *error: object) -> None:
        self._peaks.stop.set()
        self._thread.join()


def _kind(process: psutil.Process) -> str | None:
    try:
        line = " ".join(process.cmdline())
    except psutil.Error:
        return None
    if "stormlake.radar.child" in line:
        return "decoder"
    return "worker" if "pyspark.daemon" in line else None


def _peak(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    for line in status.splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0
