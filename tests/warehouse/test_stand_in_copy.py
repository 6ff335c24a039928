"""COPY in the stand-in refuses what Redshift refuses: each rule has a failing example.

The rules and their pages stand in tests/fakes/redshift_data/copy_*.py.
"""

from __future__ import annotations

import io
import json
import secrets
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stormlake.lake.types import Column, Table, Warehouse, arrow_fields
from stormlake.warehouse.copy_text import PARQUET, copy_statement
from stormlake.warehouse.data_api import StatementFailed
from stormlake.warehouse.statements import Statement
from tests.fakes.redshift_data.server import RedshiftStandIn
from tests.warehouse.prepared import quick

EVERY = Table(
    "every",
    "A column of each type.",
    (),
    (
        Column("a_short", "short", "", "x"),
        Column("an_int", "int", "", "x"),
        Column("a_long", "long", "", "x"),
        Column("a_float", "float", "", "x"),
        Column("a_double", "double", "", "x"),
        Column("a_string", "string", "", "x", True, 4),
        Column("a_char", "char", "", "x", True, 4),
        Column("a_boolean", "boolean", "", "x"),
        Column("a_date", "date", "", "x"),
        Column("a_timestamp", "timestamp", "", "x", False),
    ),
    (),
    Warehouse("replace", ("an_int",)),
)
ROW: dict[str, Any] = {
    "a_short": -(2**15),
    "an_int": 2**31 - 1,
    "a_long": -(2**63),
    "a_float": 0.5,
    "a_double": 1e300,
    "a_string": "äö",  # four bytes
    "a_char": "ab",
    "a_boolean": True,
    "a_date": date(1, 1, 1),
    "a_timestamp": datetime(9999, 12, 31, 23, 59, 59, 999999, UTC),
}
SCHEMA = arrow_fields(EVERY.columns)
NULLABLE = pa.schema([pa.field(field.name, field.type) for field in SCHEMA])


class Copier:
    """Copies files into `every` with any manifest and any text of COPY."""

    def __init__(self, stand_in: RedshiftStandIn) -> None:
        self.stand_in = stand_in
        stand_in.create(EVERY)

    def put(
        self, rows: list[dict[str, Any]], schema: Any = SCHEMA, **options: Any
    ) -> dict[str, Any]:
        """Put a file and give its entry of a manifest."""
        out = io.BytesIO()
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), out, **options)
        body = out.getvalue()
        url = self.stand_in.put(f"copy/{secrets.token_hex(4)}.parquet", body)
        return {"url": url, "mandatory": True, "meta": {"content_length": len(body)}}

    def copy(
        self,
        *entries: dict[str, Any],
        sql: str | None = None,
        more: str = "",
        role: str | None = None,
    ) -> None:
        """Run one COPY into the table."""
        text = json.dumps({"entries": entries}).encode()
        url = self.stand_in.put("copy/manifest.json", text)
        plain = copy_statement("every", url, role or self.stand_in.iam_role, PARQUET)
        plain = plain.replace('"every"', '"stormlake"."every"')
        quick(self.stand_in).run([Statement("copy", (sql or plain) + more)], secrets.token_hex(8))

    def refused(self, said: str, *entries: dict[str, Any], **how: Any) -> StatementFailed:
        """A COPY that fails and loads nothing."""
        with pytest.raises(StatementFailed, match=said) as failed:
            self.copy(*entries, **how)
        assert self.stand_in.rows(EVERY) == []
        return failed.value

    def load_error(self, *entries: dict[str, Any]) -> dict[str, Any]:
        """The one load error of a COPY that fails."""
        self.refused("Check 'sys_load_error_detail'", *entries)
        (error,) = self.stand_in.admin("SELECT * FROM stl_load_errors")
        return {n: v.strip() if isinstance(v, str) else v for n, v in error.items()}


@pytest.fixture
def copier(warehouse: RedshiftStandIn) -> Copier:
    return Copier(warehouse)


def test_a_column_of_each_type_comes_in_with_its_most_extreme_values(copier: Copier) -> None:
    nothing = dict.fromkeys(ROW) | {"a_timestamp": datetime(1, 1, 1, tzinfo=UTC)}
    copier.copy(copier.put([ROW, nothing]))
    first, second = copier.stand_in.rows(EVERY)
    expected = ROW | {"a_timestamp": ROW["a_timestamp"].replace(tzinfo=None)}
    assert first | {"a_char": first["a_char"].rstrip()} == expected
    assert second == nothing | {"a_timestamp": datetime(1, 1, 1)}


@pytest.mark.parametrize(
    "option",
    [
        *("MAXERROR 10", "ACCEPTANYDATE", "REGION 'us-east-1'", "DELIMITER '|'", "COMPUPDATE OFF"),
        *("GZIP", "TRUNCATECOLUMNS", "IGNOREHEADER 1", "NULL AS 'x'", "EMPTYASNULL", "ESCAPE"),
    ],
)
def test_an_option_outside_the_columnar_list_is_an_error(copier: Copier, option: str) -> None:
    copier.refused(
        "is not supported for columnar data format", copier.put([ROW]), more=f" {option}"
    )


def test_an_unknown_word_is_a_syntax_error(copier: Copier) -> None:
    copier.refused("syntax error", copier.put([ROW]), more=" NONSENSE")


def test_a_missing_file_is_an_error_where_it_is_mandatory(copier: Copier) -> None:
    there, gone = copier.put([ROW]), copier.put([ROW, ROW])
    copier.stand_in.s3.delete_object(
        Bucket=copier.stand_in.bucket, Key=gone["url"].split("/", 3)[3]
    )
    copier.refused("Mandatory url is not present", there, gone)
    # Which is why ours are: this one is skipped in silence.
    copier.copy(there, gone | {"mandatory": False})
    assert len(copier.stand_in.rows(EVERY)) == 1


def test_mandatory_is_false_where_it_is_not_said(copier: Copier) -> None:
    there, gone = copier.put([ROW]), copier.put([ROW, ROW])
    copier.stand_in.s3.delete_object(
        Bucket=copier.stand_in.bucket, Key=gone["url"].split("/", 3)[3]
    )
    copier.copy(there, {name: gone[name] for name in ("url", "meta")})
    assert len(copier.stand_in.rows(EVERY)) == 1


def test_no_file_at_all_is_an_error_even_where_none_is_mandatory(copier: Copier) -> None:
    gone = {"url": f"s3://{copier.stand_in.bucket}/nothing", "mandatory": False}
    copier.refused("names no file that exists", gone | {"meta": {"content_length": 1}})
    copier.refused("names no file that exists")


@pytest.mark.parametrize("length", [None, 0, 1])
def test_content_length_must_be_there_and_right(copier: Copier, length: int | None) -> None:
    entry = copier.put([ROW])
    if length is None:
        copier.refused("requires full path of an S3 object", entry | {"meta": {}})
    else:
        wrong = entry["meta"]["content_length"] + (length or -1)
        copier.refused("does not match content_length", entry | {"meta": {"content_length": wrong}})


def test_a_manifest_that_is_none_or_not_there_is_an_error(copier: Copier) -> None:
    url = copier.stand_in.put("copy/x.json", b"no json")
    sql = copy_statement("every", url, copier.stand_in.iam_role, PARQUET)
    sql = sql.replace('"every"', '"stormlake"."every"')
    copier.refused("not in correct json format", sql=sql)
    copier.refused("The specified key does not exist", sql=sql.replace("x.json", "y.json"))
    copier.refused("without a valid url", {"file": "x"})


def test_a_role_that_is_not_the_warehouses_is_an_error(copier: Copier) -> None:
    other = "arn:aws:iam::123456789012:role/other"
    copier.refused("not authorized to assume IAM Role", copier.put([ROW]), role=other)


def test_a_bucket_in_another_region_is_an_error(copier: Copier) -> None:
    entry = copier.put([ROW])
    abroad = f"{copier.stand_in.bucket}-abroad"
    copier.stand_in.s3.create_bucket(
        Bucket=abroad, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    copier.stand_in.s3.copy_object(
        Bucket=abroad,
        Key="a.parquet",
        CopySource=entry["url"].removeprefix("s3://"),
    )
    copier.refused("eu-central-1", entry | {"url": f"s3://{abroad}/a.parquet"})


@pytest.mark.parametrize("change", ["one more", "one less"])
def test_the_number_of_columns_must_be_equal(copier: Copier, change: str) -> None:
    fields = list(SCHEMA)
    fields = [*fields, pa.field("more", pa.int32())] if change == "one more" else fields[:-1]
    copier.refused("Unmatched number of columns", copier.put([ROW], pa.schema(fields)))


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        ("a_short", pa.int32()),  # no INT_16 in the file
        ("a_short", pa.int8()),
        ("an_int", pa.int64()),
        ("a_long", pa.int32()),
        ("a_float", pa.float64()),
        ("a_double", pa.float32()),
        ("a_string", pa.binary()),
        ("a_date", pa.string()),
        ("a_timestamp", pa.timestamp("ms", tz="UTC")),
        ("a_boolean", pa.int32()),
    ],
)
def test_another_physical_type_is_an_error(copier: Copier, column: str, kind: Any) -> None:
    at = SCHEMA.get_field_index(column)
    value = ROW | {column: None} if column != "a_timestamp" else ROW
    file = copier.put([value], NULLABLE.set(at, pa.field(column, kind)))
    copier.refused(f"incompatible Parquet schema for column '{column}'", file)


def test_int96_is_an_error(copier: Copier) -> None:
    file = copier.put([ROW | {"a_timestamp": datetime(2026, 1, 1, tzinfo=UTC)}],
                      use_deprecated_int96_timestamps=True)  # fmt: skip
    copier.refused("INT96", file)


def test_what_is_no_parquet_is_an_error(copier: Copier) -> None:
    url = copier.stand_in.put("copy/text.parquet", b"no parquet at all")
    copier.refused("is not Parquet", {"url": url, "meta": {"content_length": 17}})


def test_swapped_columns_of_one_type_are_not_put_right(copier: Copier) -> None:
    fields = list(SCHEMA)
    fields[5], fields[6] = fields[6], fields[5]  # the names go along, and nobody reads them
    copier.copy(copier.put([ROW | {"a_string": "one", "a_char": "two"}], pa.schema(fields)))
    (row,) = copier.stand_in.rows(EVERY)
    assert (row["a_string"], row["a_char"].strip()) == ("two", "one")


def test_text_at_exactly_its_bytes_fits_and_one_byte_more_is_1204(copier: Copier) -> None:
    error = copier.load_error(copier.put([ROW, ROW | {"a_string": "äöx"}]))
    assert (error["err_code"], error["colname"], error["line_number"]) == (1204, "a_string", 2)
    assert error["raw_field_value"] == "äöx"


def test_a_character_of_several_bytes_in_char_is_1220(copier: Copier) -> None:
    error = copier.load_error(copier.put([ROW | {"a_char": "ä"}]))
    assert (error["err_code"], error["colname"]) == (1220, "a_char")


def test_null_in_a_required_column_is_1213(copier: Copier) -> None:
    error = copier.load_error(copier.put([ROW, ROW | {"a_timestamp": None}], NULLABLE))
    assert (error["err_code"], error["colname"], error["line_number"]) == (1213, "a_timestamp", 2)


def test_load_errors_are_in_both_views_and_survive_the_rollback(copier: Copier) -> None:
    failed = copier.refused("Check", copier.put([ROW | {"a_char": "ä"}]))
    for view, column in (("sys_load_error_detail", "query_id"), ("stl_load_errors", "query")):
        (row,) = copier.stand_in.admin(f"SELECT {column} AS id FROM {view}")
        assert row["id"] == failed.query_id
