"""The stand-in itself: what it leaves out, counts and refuses."""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from botocore.exceptions import ClientError

from stormlake.lake.tables import TABLES
from tests.athena.conftest import Lake, command, register
from tests.fakes.athena.engine import Answer
from tests.fakes.athena.server import DATABASE, WORKGROUP, AthenaStandIn
from tests.fakes.athena.tables import CatalogTable, QueryError

OF_STATION = "SELECT COUNT(c.iy) AS n FROM radar_columns AS c WHERE c.station = 'KTLX'"
"""Six of twelve rows."""


def select(stand_in: AthenaStandIn, query: str, *values: str) -> Answer:
    return stand_in.engine.run(DATABASE, query, list(values))


def rows(stand_in: AthenaStandIn, query: str) -> list[tuple[str | None, ...]]:
    return select(stand_in, query).rows


def columns_of(stand_in: AthenaStandIn) -> CatalogTable:
    return stand_in.engine.databases[DATABASE]["radar_columns"]


def chunks(stand_in: AthenaStandIn, folder: str, *names: str) -> int:
    """Compressed bytes of columns, by the footer of a partition's file."""
    key = f"lake/{folder}/part-0.parquet"
    body = stand_in.s3.get_object(Bucket=stand_in.bucket, Key=key)["Body"].read()
    group = pq.ParquetFile(io.BytesIO(body)).metadata.row_group(0)
    sizes = {
        group.column(at).path_in_schema: group.column(at).total_compressed_size
        for at in range(group.num_columns)
    }
    return sum(sizes[name] for name in names)


def test_scanned_are_the_column_chunks_of_the_partitions_that_count(
    stand_in: AthenaStandIn, registered: Lake
) -> None:
    where = "WHERE c.station = ? AND c.date = ?"
    values = ("'KTLX'", "DATE '2026-05-02'")
    folder = "radar_columns/station=KTLX/date=2026-05-02"
    for names in (["vil"], ["vil", "composite_reflectivity"]):
        listed = ", ".join(f"MAX(c.{name}) AS {name}" for name in names)
        found = select(stand_in, f"SELECT {listed} FROM radar_columns AS c {where}", *values)
        assert found.scanned == chunks(stand_in, folder, *names) > 0


def test_a_filter_on_a_view_leaves_out_partitions_of_the_table_behind_it(
    stand_in: AthenaStandIn, registered: Lake
) -> None:
    query = "SELECT v.echo_columns FROM radar_volume_echo AS v"
    whole = select(stand_in, query)
    day = select(stand_in, f"{query} WHERE v.station = 'KTLX' AND v.date = DATE '2026-05-02'")
    assert (len(whole.rows), len(day.rows)) == (12, 2)
    assert 0 < day.scanned < whole.scanned / 3


@pytest.mark.parametrize(
    ("parameter", "value", "seen"),
    [
        ("projection.date.range", "2026-05-02,NOW+1DAYS", 4),
        ("projection.date.range", "1970-01-01,2026-05-01", 2),
        ("projection.station.values", "KLBB", 0),
        (
            "storage.location.template",
            "s3://{bucket}/lake/radar_columns/${{station}}/${{date}}/",
            0,
        ),
        ("projection.enabled", "false", 0),
    ],
)
def test_a_projection_that_looks_elsewhere_finds_less(
    stand_in: AthenaStandIn, registered: Lake, parameter: str, value: str, seen: int
) -> None:
    assert rows(stand_in, OF_STATION) == [("6",)]
    columns_of(stand_in).parameters[parameter] = value.format(bucket=stand_in.bucket)
    assert rows(stand_in, OF_STATION) == [(str(seen),)]


def test_a_projection_of_no_type_is_an_error(stand_in: AthenaStandIn, registered: Lake) -> None:
    del columns_of(stand_in).parameters["projection.station.type"]
    with pytest.raises(QueryError, match=r"INVALID_TABLE_PROPERTY: projection.station.type"):
        rows(stand_in, OF_STATION)


def test_a_file_of_another_type_is_bad_data(stand_in: AthenaStandIn, registered: Lake) -> None:
    table = columns_of(stand_in)
    at = [name for name, _ in table.columns].index("iy")
    table.columns[at] = ("iy", "int")
    with pytest.raises(QueryError, match="HIVE_BAD_DATA: Field iy's type int16 in parquet file"):
        rows(stand_in, OF_STATION)


def test_names_with_a_dot_or_a_line_are_hidden(stand_in: AthenaStandIn, registered: Lake) -> None:
    folder = "lake/radar_columns/station=KTLX/date=2026-05-01"
    for name in ("_SUCCESS", ".part.crc", ".spark-staging-1/part-0.parquet"):
        stand_in.s3.put_object(Bucket=stand_in.bucket, Key=f"{folder}/{name}", Body=b"no Parquet")
    assert rows(stand_in, OF_STATION) == [("6",)]


def test_an_injected_station_is_asked_for_by_name_also_through_a_view(
    stand_in: AthenaStandIn, lake: Lake
) -> None:
    done = command("register", "--all", "--lake", stand_in.lake)
    assert done.exit_code == 0, done.output
    query = "SELECT v.echo_columns FROM radar_volume_echo AS v"
    with pytest.raises(QueryError, match="injected projected partition column station"):
        rows(stand_in, query)
    assert len(rows(stand_in, f"{query} WHERE v.station = 'KTLX'")) == 6
    assert rows(stand_in, f"{query} WHERE v.station = 'KXYZ'") == []


def test_times_have_no_zone_and_are_utc(stand_in: AthenaStandIn, registered: Lake) -> None:
    found = select(
        stand_in,
        "SELECT MIN(c.volume_time) AS t FROM radar_columns AS c WHERE c.volume_time > ?",
        "TIMESTAMP '2026-05-02 03:00:00'",
    )
    assert found.columns == [("t", "timestamp")]
    assert found.rows == [("2026-05-02 15:00:00.000",)]


def test_every_type_of_the_lake_is_read_from_its_own_files(
    stand_in: AthenaStandIn, lake: Lake
) -> None:
    register(stand_in)
    for table in lake:
        names = ", ".join(f"t.{column.name}" for column in table.all_columns)
        if table.name == "radar_geometry":
            continue
        found = select(stand_in, f"SELECT {names} FROM {table.name} AS t")
        assert len(found.rows) == len(lake[table])


def started(stand_in: AthenaStandIn, **more: Any) -> Mapping[str, Any]:
    asked = {"QueryString": "SELECT 1 AS a", "WorkGroup": WORKGROUP, "ClientRequestToken": "t" * 32}
    context = {"QueryExecutionContext": {"Database": DATABASE}}
    answer: Mapping[str, Any] = (
        stand_in.aws().client("athena").start_query_execution(**context, **asked | more)
    )
    return answer


def test_a_token_is_one_query_and_no_other(stand_in: AthenaStandIn, registered: Lake) -> None:
    first = started(stand_in)["QueryExecutionId"]
    assert started(stand_in)["QueryExecutionId"] == first
    with pytest.raises(ClientError, match="Idempotent parameters do not match"):
        started(stand_in, QueryString="SELECT 2 AS a")
    with pytest.raises(ClientError, match="Idempotent parameters do not match"):
        started(stand_in, ExecutionParameters=["1"])


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"ClientRequestToken": "x" * 129}, "more than 128"),
        ({"WorkGroup": "other"}, "WorkGroup is not found"),
        ({"QueryString": "x" * 262_145}, "more than 262144"),
        ({"ExecutionParameters": ["'" + "x" * 1023 + "'"]}, "more than 1024"),
    ],
)
def test_a_request_that_athena_would_refuse_is_refused(
    stand_in: AthenaStandIn, registered: Lake, more: dict[str, Any], says: str
) -> None:
    with pytest.raises(ClientError, match=says):
        started(stand_in, **more)


def test_glue_takes_no_more_than_a_hundred_partitions_in_a_call(
    stand_in: AthenaStandIn, registered: Lake
) -> None:
    days = [date(2026, 1, 1) + timedelta(days=n) for n in range(101)]
    with pytest.raises(ClientError, match="101, more than 100"):
        stand_in.aws().client("glue").batch_create_partition(
            DatabaseName=DATABASE,
            TableName="radar_columns",
            PartitionInputList=[{"Values": ["KTLX", day.isoformat()]} for day in days],
        )


def test_a_table_without_files_is_empty_in_its_types(stand_in: AthenaStandIn, lake: Lake) -> None:
    register(stand_in)
    empty = set(TABLES) - {table.name for table in lake}
    for name in sorted(empty):
        names = ", ".join(f"t.{column.name}" for column in TABLES[name].all_columns)
        where = "WHERE t.source = 'wind'" if "source" in TABLES[name].partition_names else ""
        where = where or ("WHERE t.job = 'x'" if "job" in TABLES[name].partition_names else "")
        found = select(stand_in, f"SELECT {names} FROM {name} AS t {where}")
        assert found.rows == []
        assert dict(found.columns)["date"] == "date"


def test_a_file_that_lacks_a_column_gives_null(stand_in: AthenaStandIn, registered: Lake) -> None:
    sink = io.BytesIO()
    time = pa.array([datetime(2026, 5, 9)], pa.timestamp("us", "UTC"))
    pq.write_table(pa.table({"volume_time": time}), sink)
    key = "lake/radar_columns/station=KTLX/date=2026-05-03/part-1.parquet"
    stand_in.s3.put_object(Bucket=stand_in.bucket, Key=key, Body=sink.getvalue())
    query = "SELECT c.vil FROM radar_columns AS c WHERE c.volume_time > ?"
    assert select(stand_in, query, "TIMESTAMP '2026-05-08 00:00:00'").rows == [(None,)]
