"""A lake in a bucket: the same rows as in a folder, through faults, kills and runs side by side."""

from __future__ import annotations

import json
import re
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pytest

from stormlake.lake.files import LakeFiles
from stormlake.lake.tables import RADAR_GRID, TABLES
from stormlake.lake.write import remove_dead_staging, write_partitions
from tests.fakes.faults import Delay, FaultProxy, Rule, internal_error, slow_down
from tests.fakes.s3 import S3Server, s3_server
from tests.fakes.s3_jars import need_s3_jars
from tests.integration.archives import small_volumes
from tests.integration.runs import (
    JobServer,
    assert_nothing_dead,
    assert_same_lake,
    broken,
    lake_table,
    marked,
    records,
    run_job,
    start_job,
)
from tests.integration.s3_lakes import BUCKET, download, keys, upload
from tests.lake.test_write import DAY1, DAY2, cell, counts, grid

pytestmark = pytest.mark.spark

SECRET = "not-in-any-command-line"


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    need_s3_jars()
    with s3_server() as running:
        running.seed(BUCKET, small_volumes())
        yield running


def test_from_s3_to_s3_come_the_rows_of_the_folder_and_again_through_faults(
    job: JobServer, server: S3Server, clean: Path, coarse: Path, tmp_path: Path
) -> None:
    def ingest(endpoint_url: str) -> Path:
        job(
            *("--source", f"s3://{BUCKET}", "--endpoint-url", endpoint_url),
            *("--station", "KBGM", "--start", "2005-08-22", "--end", "2005-08-23"),
            *("--lake", f"s3://{BUCKET}/lakes/one", "--profile", coarse, "--master", "local[1]"),
        ).expect(0)
        return download(server, "lakes/one", tmp_path / f"after-{endpoint_url[-5:]}")

    first = ingest(server.endpoint_url)
    for name in ("radar_volumes", "radar_grid", "radar_columns", "radar_geometry"):
        expected = lake_table(clean, name)
        expected = expected.filter(pc.equal(expected["station"], "KBGM"))
        assert lake_table(first, name) == expected, name
    assert_nothing_dead(first)

    with FaultProxy(server.endpoint_url) as proxy:
        proxy.inject(
            Rule(slow_down(), method="PUT", path=r"radar_grid/\.spark-staging", times=2),
            # A rename is a copy and a removal.
            Rule(slow_down(), method="PUT", header=("x-amz-copy-source", "staging"), times=2),
            Rule(internal_error(), method="PUT", header=("x-amz-copy-source", "staging"), times=1),
            Rule(slow_down(), method="POST", path=r"\?delete", times=1),
            Rule(slow_down(), path=r"list-type=2.*radar_volumes", times=1),
        )
        again = ingest(proxy.endpoint_url)
        assert proxy.faults == 7

    assert_same_lake(again, first)
    assert_nothing_dead(again)
    assert len(records(again)) == 2
    names = [set(lake.glob("radar_*/**/*.parquet")) for lake in (first, again)]
    assert len(names[0]) == len(names[1]), "files of the first run are gone"


def test_an_aggregation_from_s3_to_s3_gives_the_rows_of_the_folder(
    job: JobServer, server: S3Server, tmp_path: Path
) -> None:
    source = tmp_path / "unicorns"
    for out in (source, f"s3://{BUCKET}/unicorns"):
        job(
            *("unicorns", "--records", "400", "--out", out),
            *("--endpoint-url", server.endpoint_url),
            command="simulate",
        ).expect(0)
    for place, lake in ((source, tmp_path / "local"), (f"s3://{BUCKET}/unicorns", None)):
        job(
            *("unicorn_minutes", "--source", place, "--master", "local[1]"),
            *("--lake", lake or f"s3://{BUCKET}/lakes/minutes"),
            *("--endpoint-url", server.endpoint_url),
            command="aggregate",
        ).expect(0)

    found = download(server, "lakes/minutes", tmp_path / "s3")
    assert lake_table(found, "unicorn_minutes").num_rows > 0
    assert_same_lake(found, tmp_path / "local")


def test_a_run_killed_in_mid_commit_keeps_others_off_its_stations_and_the_next_one_mends_all(
    job: JobServer, server: S3Server, archive: Path, clean: Path, coarse: Path, tmp_path: Path
) -> None:
    lake = "lakes/killed"
    # Days that hold other rows, and one (KABR has no echo) that held some and will hold none.
    (old,) = (clean / "radar_grid" / "station=KDOX").glob("*/*.parquet")
    days = ("KABR/date=2005-01-01", "KBGM/date=2005-08-22", "KDOX/date=2011-10-01")
    upload(server, lake, {f"radar_grid/station={day}/part-old.parquet": old for day in days})

    def options(*stations: str, endpoint_url: str = server.endpoint_url) -> tuple[object, ...]:
        # Without --station each run would replace what tells no station, too, and meet the other.
        return (
            *("--source", archive, "--lake", f"s3://{BUCKET}/{lake}", "--profile", coarse),
            *("--endpoint-url", endpoint_url, "--master", "local[1]"),
            *(f"--station={station}" for station in stations),
        )

    most = ("KABR", "KBGM", "KDOX")
    keys_of = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": SECRET}
    patient = keys_of | broken(lease="25", lock_wait="1")
    with FaultProxy(server.endpoint_url) as proxy:
        # The first partition comes to its place, the second never.
        proxy.inject(
            Rule(
                *(Delay(300),),
                method="PUT",
                path=r"radar_grid/station",
                header=("x-amz-copy-source", "staging"),
                skip=1,
                times=None,
            )
        )
        with start_job(*options(*most, endpoint_url=proxy.endpoint_url), env=patient) as running:
            running.until(lambda: proxy.faults > 0, "the commit of radar_grid")
            shown = [" ".join(each.cmdline()) for each in marked(running.mark)]
            assert any("fs.s3a.endpoint" in line for line in shown)
            assert SECRET not in "".join([*shown, *running.stderr])

            refused = run_job(*options(*most), env=patient).expect(2)
            assert re.search(r"LockHeld: ingest-radar K\w{3} is locked by run", refused.stderr)
            job(*options("KTLX")).expect(0)

            running.send(signal.SIGKILL)
            assert running.finish().code == -signal.SIGKILL
            assert running.left_over() == []
    half = [key for key in keys(server, f"{lake}/radar_grid/") if key.endswith(".parquet")]
    staged = [key for key in half if ".spark-staging" in key]
    there = sorted(set(half) - set(staged))
    assert ["part-old" in key for key in there] == [True, False], "one day new, one gone, one old"
    assert staged

    finished = job(*options()).expect(0)

    found = download(server, lake, tmp_path / "found")
    assert_same_lake(found, clean)
    assert not [key for key in keys(server, lake) if "part-old" in key]
    assert_nothing_dead(found)
    assert "waiting at most" in finished.stderr, "a bucket cannot tell that a process is gone"
    assert sorted(len(r["tables"]["radar_grid"]) for r in records(found)) == [1, 5]


@pytest.fixture
def lake(spark: Any, server: S3Server, request: pytest.FixtureRequest) -> Iterator[str]:
    """Address of an empty lake that the session of the tests reaches."""
    from stormlake.s3_access import S3Access, hadoop_settings

    conf = spark.sparkContext._jsc.hadoopConfiguration()
    settings = hadoop_settings(server.endpoint_url, "us-east-1")
    for key, value in settings.items():
        conf.set(key.removeprefix("spark.hadoop."), value)
    S3Access(_testing(), server.endpoint_url, "us-east-1").give_keys(spark)
    yield f"s3://{BUCKET}/lakes/{request.node.name[:20]}"
    for key in settings:
        conf.unset(key.removeprefix("spark.hadoop."))


def test_emptied_partitions_and_markers_of_folders_are_no_data(
    spark: Any, server: S3Server, lake: str
) -> None:
    prefix = lake.removeprefix(f"s3://{BUCKET}/")
    rows = [cell("KLBB", "2016-06-01", 1), cell("KLBB", "2016-06-02", 2)]
    assert counts(write_partitions(grid(spark, rows), RADAR_GRID, lake, [DAY1, DAY2])) == {
        DAY1: 1,
        DAY2: 1,
    }
    written = write_partitions(grid(spark, rows[:1]), RADAR_GRID, lake, [DAY1, DAY2])
    assert counts(written) == {DAY1: 1, DAY2: 0}
    assert [key for key in keys(server, prefix) if key.endswith(".parquet")] == [
        f"{prefix}/{written[0].files[0].path}"
    ]
    # What tools leave to show a folder.
    for marker in ("radar_grid/station=KLBB/date=2016-06-02/", "radar_grid/station=KTLX/"):
        server.client().put_object(Bucket=BUCKET, Key=f"{prefix}/{marker}", Body=b"")
    files = LakeFiles(spark, lake)
    scope = [DAY1, DAY2, ("KTLX", "2016-06-01")]
    found = files.data_files(RADAR_GRID, scope)
    assert [len(found[values]) for values in scope] == [1, 0, 0]
    assert files.exists("radar_grid") and not files.exists("radar_columns")

    server.client().put_object(
        Bucket=BUCKET, Key=f"{prefix}/radar_grid/.spark-staging-1/part.parquet", Body=b"half"
    )
    assert remove_dead_staging(spark, [RADAR_GRID], lake, lambda: True) == []
    assert remove_dead_staging(spark, [RADAR_GRID, TABLES["radar_volumes"]], lake, lambda: False)
    assert not [key for key in keys(server, prefix) if "staging" in key]


@pytest.mark.one_runtime
def test_counting_costs_two_listings_a_partition_and_few_requests_a_file(
    spark: Any, server: S3Server, lake: str
) -> None:
    with FaultProxy(server.endpoint_url) as proxy:
        conf = spark.sparkContext._jsc.hadoopConfiguration()
        conf.set("fs.s3a.endpoint", proxy.endpoint_url)
        # Another bucket, because file systems are kept by bucket.
        server.client().create_bucket(Bucket="counted-lakes")
        counted = "s3://counted-lakes/lake"
        days = [("KLBB", f"2016-06-0{day}") for day in range(1, 5)]
        frame = grid(spark, [cell(*day, 1) for day in days]).coalesce(1)
        assert sum(counts(write_partitions(frame, RADAR_GRID, counted, days)).values()) == 4
        made = Counter(request.method for request in proxy.requests)
        proxy.clear()
        files = LakeFiles(spark, counted)
        files.count_rows(files.data_files(RADAR_GRID, days[:1])[days[0]])
        looked = Counter(request.method for request in proxy.requests)
    print("requests of a write of 4 partitions:", dict(made), "of a look:", dict(looked))
    assert looked.total() <= 6
    assert made.total() <= 60 * len(days)


def test_the_magic_committer_refuses_a_dynamic_overwrite_and_commits_a_static_one_itself(
    spark: Any, server: S3Server, lake: str
) -> None:
    magic = {
        "spark.sql.sources.commitProtocolClass": (
            "org.apache.spark.internal.io.cloud.PathOutputCommitProtocol"
        ),
        "spark.sql.parquet.output.committer.class": (
            "org.apache.spark.internal.io.cloud.BindingParquetOutputCommitter"
        ),
        "fs.s3a.committer.name": "magic",
        "fs.s3a.committer.magic.enabled": "true",
        "mapreduce.outputcommitter.factory.scheme.s3": (
            "org.apache.hadoop.fs.s3a.commit.S3ACommitterFactory"
        ),
    }
    rows = grid(spark, [cell("KLBB", "2016-06-01", 1)])
    for key, value in magic.items():
        spark.conf.set(key, value)
    try:
        with pytest.raises(Exception, match="does not support dynamicPartitionOverwrite"):
            write_partitions(rows, RADAR_GRID, lake, [DAY1])
        static = rows.write.mode("overwrite").option("partitionOverwriteMode", "static")
        static.partitionBy("station", "date").parquet(f"{lake}/static")
    finally:
        for key in magic:
            spark.conf.unset(key)
    prefix = lake.removeprefix(f"s3://{BUCKET}/")
    success = server.client().get_object(Bucket=BUCKET, Key=f"{prefix}/static/_SUCCESS")
    assert json.loads(success["Body"].read())["committer"] == "magic"
    assert spark.read.parquet(f"{lake}/static").count() == 1


def _testing() -> Any:
    import boto3

    return boto3.session.Session("testing", "testing", region_name="us-east-1")
