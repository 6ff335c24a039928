"""The job reads its source from a real S3 protocol server, through every fault that one has."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from tests.fakes.faults import Cut, FaultProxy, Rule, internal_error, s3_error, slow_down
from tests.fakes.s3 import s3_server
from tests.integration.archives import small_volumes
from tests.integration.runs import JobServer, assert_nothing_dead, lake_table, volumes

BUCKET = "weather-archive"
DAY = "2005/08/22/KBGM"
GONE = f"{DAY}/KBGM20050822_025549.gz"


def _bucket() -> dict[str, bytes]:
    """1,000 keys beside the real volumes: more than one page of a day, and other days."""
    objects = small_volumes()
    objects[GONE] = b"listed, and deleted before it is read"
    for number in range(1100):
        hour, minute = divmod(number, 60)
        stamp = f"{hour % 24:02}{minute:02}{number // 1440 + number % 50:02}"
        objects[f"{DAY}/KBGM20050822_{stamp}_MDM"] = b"metadata"
    for number in range(100):
        objects[f"2005/08/21/KBGM/KBGM20050821_{number // 60:02}{number % 60:02}00.gz"] = (
            b"other day"
        )
    objects[f"{DAY}/notes.txt"] = b"no volume"
    objects[f"{DAY}/NWS_NEXRAD_NXL2SR_KBGM_20050822.tar"] = b"tar"
    objects["2005/08/22/KBGMX/KBGM20050822_024414.gz"] = b"another prefix that begins alike"
    return objects


@pytest.mark.spark
@pytest.mark.one_runtime
def test_from_s3_with_paging_throttling_errors_and_cut_bodies_come_the_rows_of_the_folder(
    job: JobServer, clean: Path, coarse: Path, tmp_path: Path
) -> None:
    objects = _bucket()
    of_day = sorted(key for key in objects if key.startswith(f"{DAY}/"))
    real = [key for key in small_volumes() if key in of_day]
    assert len(of_day) > 1000 and len(real) == 3
    lake = tmp_path / "lake"
    with s3_server() as server, FaultProxy(server.endpoint_url) as proxy:
        server.seed(BUCKET, objects)
        first, second, third = (key.rpartition("/")[2] for key in real)
        proxy.inject(
            Rule(slow_down(), path=r"list-type=2.*max-keys=1000", times=2),
            Rule(internal_error(), path=r"continuation-token", times=1),
            Rule(slow_down(), method="GET", path=first, times=2),
            Rule(Cut(after=100_000), method="GET", path=second, times=1),
            Rule(Cut(after=300_000, reset=True), method="GET", path=third, times=1),
            Rule(internal_error(), method="GET", path=third, times=1),
            # A listing does not know what is deleted after it.
            Rule(s3_error(404, "NoSuchKey"), path=GONE.rpartition("/")[2], times=None),
        )
        summary = (
            job(
                *("--source", f"s3://{BUCKET}", "--endpoint-url", proxy.endpoint_url),
                *("--station", "KBGM", "--start", "2005-08-22", "--end", "2005-08-23"),
                *("--lake", lake, "--profile", coarse, "--master", "local[2]"),
                *("--max-reject-share", "0.5", "--output", "json"),
            )
            .expect(0)
            .summary
        )
        requests = proxy.requests
        faults = proxy.faults

    assert faults >= 8
    listed = [r for r in requests if "list-type=2" in r.target and "max-keys=1000" in r.target]
    assert sum("continuation-token" in r.target and r.status == 200 for r in listed) == 1
    read = Counter(r.target.rpartition("/")[2] for r in requests if "list-type" not in r.target)
    assert (read[first], read[second], read[third]) == (3, 2, 3)
    assert not any("_MDM" in name or "20050821" in name for name in read), "never fetched"

    found = volumes(lake)
    assert sorted(found) == of_day
    assert summary["volumes"] == {"ok": 3, "partial": 0, "rejected": 1, "skipped": 1102}
    assert summary["reasons"] == {
        "fetch_failed": 1,
        "metadata_only": 1100,
        "nxl2_tar": 1,
        "unknown_key": 1,
    }
    assert summary["bytes_read"] == sum(len(objects[key]) for key in real)
    assert (found[GONE]["status"], found[GONE]["reason"]) == ("rejected", "fetch_failed")
    assert "NoSuchKey" in found[GONE]["detail"]
    expected = volumes(clean)
    assert {key: found[key] for key in real} == {key: expected[key] for key in real}
    for name in ("radar_grid", "radar_columns", "radar_geometry"):
        assert lake_table(lake, name) == _of_station(lake_table(clean, name), "KBGM"), name
    assert_nothing_dead(lake)


@pytest.mark.spark
@pytest.mark.one_runtime
def test_without_an_s3_server_the_run_ends_with_5_and_says_where_it_asked(
    job: JobServer, tmp_path: Path
) -> None:
    lake = tmp_path / "lake"
    finished = job(
        *("--source", f"s3://{BUCKET}", "--endpoint-url", "http://127.0.0.1:9"),
        *("--station", "KBGM", "--start", "2005-08-22", "--end", "2005-08-23", "--lake", lake),
    ).expect(5)

    assert "no answer from http://127.0.0.1:9" in finished.stderr
    assert finished.stdout == ""
    assert not lake.joinpath("radar_volumes").exists()


def test_an_s3_source_without_station_and_days_is_refused(job: JobServer, tmp_path: Path) -> None:
    finished = job("--source", f"s3://{BUCKET}", "--lake", tmp_path / "lake").expect(2)

    assert "needs --station, --start and --end" in finished.stderr


def _of_station(table: pa.Table, station: str) -> pa.Table:
    return table.filter(pc.equal(table["station"], station))
