"""What `ingest-radar` refuses to do to good rows, and what it does not do twice."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from tests.data import wheel_file
from tests.integration.runs import JobServer, lake_table, records, volumes

pytestmark = [pytest.mark.spark, pytest.mark.one_runtime]

KATX = "KATX20130717_195021_V06"
ONE_CORE = ("--master", "local[1]")
DAYS = ("--station", "KATX", "--start", "2013-07-17", "--end", "2013-07-18")


@pytest.fixture(scope="module")
def wedge() -> bytes:
    return wheel_file("example_nexrad_archive_msg31_compressed.ar2v").read_bytes()


@pytest.fixture
def source(tmp_path: Path, wedge: bytes) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / KATX).write_bytes(wedge)
    return folder


@pytest.fixture(scope="module")
def lake(
    job: JobServer, coarse: Path, wedge: bytes, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A lake that holds the one volume of the source; no test may change it."""
    folder = tmp_path_factory.mktemp("refusals")
    (folder / "source").mkdir()
    (folder / "source" / KATX).write_bytes(wedge)
    lake = folder / "lake"
    job("--source", folder / "source", "--lake", lake, "--profile", coarse, *ONE_CORE).expect(0)
    assert lake_table(lake, "radar_grid").num_rows > 0
    return lake


def test_a_source_without_a_single_object_may_not_empty_a_day_that_holds_rows(
    job: JobServer, coarse: Path, lake: Path, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong"
    wrong.mkdir()
    before = lake_table(lake, "radar_grid")

    refused = job("--source", wrong, "--lake", lake, "--profile", coarse, *DAYS, *ONE_CORE).expect(
        2
    )

    assert "the lake holds 1 volumes of it, which this run would erase" in refused.stderr
    assert lake_table(lake, "radar_grid").equals(before)
    assert len(records(lake)) == 1


def test_an_outage_of_the_source_leaves_the_tables_as_they_are_and_exits_5(
    job: JobServer, coarse: Path, lake: Path, source: Path, tmp_path: Path
) -> None:
    (source / KATX).unlink()
    (source / KATX).symlink_to(tmp_path / "not mounted" / KATX)
    before = lake_table(lake, "radar_grid")

    failed = job("--source", source, "--lake", lake, "--profile", coarse, *ONE_CORE).expect(5)

    assert "none of the 1 volumes of" in failed.stderr
    assert "nothing was written" in failed.stderr
    assert lake_table(lake, "radar_grid").equals(before)
    assert volumes(lake)[KATX]["status"] == "partial"


def test_a_rejected_volume_without_a_name_stands_where_its_header_puts_it(
    job: JobServer, coarse: Path, wedge: bytes, tmp_path: Path
) -> None:
    source = tmp_path / "nameless"
    source.mkdir()
    (source / "some.ar2v").write_bytes(wedge[:24])

    job(
        *("--source", source, "--lake", tmp_path / "l", "--profile", coarse),
        *ONE_CORE,
        *("--max-reject-share", "1"),
    ).expect(0)

    row = volumes(tmp_path / "l")["some.ar2v"]
    assert (row["status"], row["reason"]) == ("rejected", "no_radials")
    assert (row["station"], row["date"]) == ("KATX", dt.date(2013, 7, 17))


def test_the_share_of_rejects_is_told_of_the_volumes_that_were_judged(
    job: JobServer, coarse: Path, source: Path, tmp_path: Path
) -> None:
    (source / "KATX20130717_200000_V06").write_bytes(b"<html>404</html>")
    (source / "KATX20130717_210000_V06_MDM").write_bytes(b"metadata")

    over = job("--source", source, "--lake", tmp_path / "l", "--profile", coarse, *ONE_CORE).expect(
        3
    )

    assert "1 of 2 volumes were rejected (50.0%), more than" in over.stderr


def test_a_run_id_that_has_finished_is_not_run_again(
    job: JobServer, coarse: Path, source: Path, tmp_path: Path
) -> None:
    arguments = ("--source", source, "--lake", tmp_path / "l", "--profile", coarse, *ONE_CORE)
    first = job(*arguments, "--run-id", "retry-1", "--output", "json").expect(0)
    files = sorted(path.name for path in (tmp_path / "l").rglob("*.parquet"))

    second = job(*arguments, "--run-id", "retry-1", "--output", "json").expect(0)

    assert second.summary == first.summary
    assert sorted(path.name for path in (tmp_path / "l").rglob("*.parquet")) == files
    other = job(*arguments, "--run-id", "retry-1", "--dual-pol", "require").expect(2)
    assert "with other arguments or other code; give another --run-id" in other.stderr


@pytest.mark.parametrize("run_id", ["../../etc", "a/b", "", "x" * 129, "é"])
def test_a_run_id_that_is_no_file_name_is_refused(
    job: JobServer, source: Path, tmp_path: Path, run_id: str
) -> None:
    refused = job("--source", source, "--lake", tmp_path / "l", "--run-id", run_id).expect(2)
    assert "at most 128 letters, digits" in " ".join(refused.stderr.split())
    assert not (tmp_path / "l").exists()


@pytest.mark.parametrize("inside", ["lake", ".", "deep/er/lake"])
def test_a_lake_inside_its_source_is_refused(job: JobServer, source: Path, inside: str) -> None:
    refused = job("--source", source, "--lake", source / inside).expect(2)
    assert "its files would be taken for input" in refused.stderr


def test_dual_pol_can_be_required(
    job: JobServer, coarse: Path, source: Path, tmp_path: Path
) -> None:
    (source / "KLOT20030101_000921.bz2").write_bytes(
        wheel_file("example_nexrad_archive_msg1.bz2").read_bytes()
    )

    job(
        *("--source", source, "--lake", tmp_path / "l", "--profile", coarse),
        *ONE_CORE,
        *("--dual-pol", "require", "--max-reject-share", "1"),
    ).expect(0)

    found = volumes(tmp_path / "l")
    assert found["KLOT20030101_000921.bz2"]["reason"] == "no_dual_pol"
    assert found[KATX]["qc_method"] == "dualpol"


def test_a_station_file_places_a_station_that_the_table_lacks(
    job: JobServer, coarse: Path, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "XLOT20030101_000921.bz2").write_bytes(
        wheel_file("example_nexrad_archive_msg1.bz2").read_bytes()
    )
    stations = tmp_path / "stations.csv"
    stations.write_text("station,latitude,longitude,altitude\nXLOT,41.5,-88.0,200\n")
    arguments = ("--source", source, "--lake", tmp_path / "l", "--profile", coarse, *ONE_CORE)

    job(*arguments, "--max-reject-share", "1").expect(0)
    without = volumes(tmp_path / "l")["XLOT20030101_000921.bz2"]
    job(*arguments, "--station-file", stations).expect(0)
    placed = volumes(tmp_path / "l")["XLOT20030101_000921.bz2"]

    assert without["reason"] == "unknown_station"
    assert placed["status"] == "ok"
    assert (placed["latitude"], placed["longitude"], placed["altitude"]) == (41.5, -88.0, 200.0)
