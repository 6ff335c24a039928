"""From a scope to a manifest: files of this attempt alone, looked at before COPY may read them.

    <unload>/<table>/run=<run id>/<attempt>/part-*.parquet
    <unload>/<table>/run=<run id>/<16 hex digits of the scope>/manifest.json

A failed attempt may leave files, which no manifest names. The manifest is written once: of two
attempts at once the second takes the first one's.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from stormlake.archive.s3 import make_session
from stormlake.errors import RefusedInput, StormlakeError
from stormlake.lake.export import export_files, rewritten
from stormlake.lake.objects import AlreadyExists, Changed
from stormlake.lake.s3_store import S3Store
from stormlake.lake.store import open_store
from stormlake.lake.types import Table, Type
from stormlake.running.aws import ApiCall, Aws
from stormlake.running.options import Common
from stormlake.s3_access import S3Access
from stormlake.warehouse.manifest import Manifest, ManifestFile, manifest_text
from stormlake.warehouse.scope import LoadScope

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

PHYSICAL: Final[Mapping[Type, tuple[str, str]]] = {
    "short": ("INT32", "INT_16"),
    "int": ("INT32", "NONE"),
    "long": ("INT64", "NONE"),
    "float": ("FLOAT", "NONE"),
    "double": ("DOUBLE", "NONE"),
    "string": ("BYTE_ARRAY", "UTF8"),
    "char": ("BYTE_ARRAY", "UTF8"),
    "boolean": ("BOOLEAN", "NONE"),
    "date": ("INT32", "DATE"),
    "timestamp": ("INT64", "TIMESTAMP_MICROS"),
}
"""Physical and converted type of each column type in Parquet, which COPY is strict about."""

_THREADS: Final = 8


class ExportFailed(StormlakeError):
    """The files of an export are not what COPY must get; no manifest was written."""


@dataclass(frozen=True)
class Unload:
    """Where exports go: a prefix of a bucket, from which Redshift reads.

    Parameters
    ----------
    uri : str
        `s3://bucket[/prefix]`, without a slash at the end.
    store : S3Store
        Below the same prefix.
    access : S3Access
        How a Spark session of our own reaches it.
    """

    uri: str
    store: S3Store
    access: S3Access

    def files(self) -> Any:
        """Arrow's file system of the bucket."""
        return self.access.arrow_files()


@dataclass(frozen=True)
class Exported:
    """A manifest, and whether this attempt made its files."""

    manifest: Manifest
    new: bool


def open_unload(uri: str, common: Common) -> Unload:
    """Make an unload prefix of what a person typed; nothing is contacted yet.

    Raises
    ------
    RefusedInput
        It is no prefix of a bucket, which is all that Redshift reads from.
    """
    if re.match(r"s3://[^/]+(/|$)", uri) is None:
        raise RefusedInput(
            f"--unload {uri!r}: expected s3://BUCKET[/PREFIX]; Redshift reads from nowhere else"
        )
    uri = uri.rstrip("/")
    session = make_session(common.region, common.aws_profile)
    store = open_store(uri, session=session, endpoint_url=common.endpoint_url)
    assert isinstance(store, S3Store)
    meta = store.client.meta
    return Unload(uri, store, S3Access(session, meta.endpoint_url, meta.region_name))


def region_call(unload: Unload) -> ApiCall:
    """Ask in which Region the bucket is."""
    return ApiCall("s3", "GetBucketLocation", {"Bucket": unload.store.bucket})


def refuse_other_region(aws: Aws, unload: Unload) -> None:
    """Refuse a bucket that is not in the warehouse's Region: COPY of Parquet takes no other.

    Raises
    ------
    RefusedInput
        It is in another.
    """
    answer = aws.make(region_call(unload))
    # Two old names: null is the first Region, EU one of the next.
    found = {None: "us-east-1", "": "us-east-1", "EU": "eu-west-1"}.get(
        answer.get("LocationConstraint"), answer.get("LocationConstraint")
    )
    wanted = aws.client("redshift-data").meta.region_name
    if found != wanted:
        raise RefusedInput(
            f"bucket {unload.store.bucket} is in {found}, the warehouse in {wanted}: COPY from "
            "Parquet reads no other Region; give an --unload there, or the right --region"
        )


def manifest_path(scope: LoadScope) -> str:
    """Where a scope's manifest stands below the unload prefix: one place for equal scopes."""
    return f"{scope.table.name}/run={scope.run_id}/{scope.digest}/manifest.json"


def export(
    spark: Callable[[], SparkSession],
    lake_uri: str,
    scope: LoadScope,
    unload: Unload,
    attempt: str | None = None,
) -> Exported:
    """Give the manifest of a scope; export its rows where there is none.

    Parameters
    ----------
    spark : callable
        Gives the session; asked only when there are rows to export.
    lake_uri : str
        The lake.
    scope : LoadScope
    unload : Unload
    attempt : str, optional
        Name of this attempt's folder.  [default: new]

    Raises
    ------
    Rewritten, ValueRefused
        As `export_files`; also when the rows are not as many as the record says.
    ExportFailed
        The files are not what COPY must get.
    """
    path = manifest_path(scope)
    stored = unload.store.read(path)
    if stored is not None:
        manifest = _parse(stored.data, stored.etag, unload, scope)
        if _all_there(manifest, unload, scope):
            return Exported(manifest, new=False)
    attempt = attempt or uuid.uuid4().hex
    folder = f"{scope.table.name}/run={scope.run_id}/{attempt}"
    files: tuple[ManifestFile, ...] = ()
    if scope.rows:
        export_files(spark(), lake_uri, scope.table, scope.partitions, f"{unload.uri}/{folder}")
        files = look_at(unload, folder, scope)
    text = manifest_text(files)
    try:
        if stored is None:
            etag = unload.store.create(path, text)
        else:
            # Its files have expired, or somebody has removed them.
            etag = unload.store.replace(path, text, stored.etag)
        return Exported(Manifest(f"{unload.uri}/{path}", etag, files), new=True)
    except (AlreadyExists, Changed):
        other = unload.store.read(path)
        if other is None:
            raise ExportFailed(
                f"{unload.uri}/{path} was there and is gone: does somebody clean {unload.uri}? "
                "Run again"
            ) from None
        return Exported(_parse(other.data, other.etag, unload, scope), new=False)


def look_at(unload: Unload, folder: str, scope: LoadScope) -> tuple[ManifestFile, ...]:
    """List an attempt's files and read the footer of each.

    Raises
    ------
    Rewritten
        Together they do not have the rows of the record.
    ExportFailed
        A file's columns are not those of the table.
    """
    import pyarrow.parquet as pq

    found = [
        entry
        for entry in unload.store.list(f"{folder}/")
        if re.search(r"/part-[^/]+\.parquet$", entry.path)
    ]
    arrow = unload.files()
    place = unload.uri.removeprefix("s3://")

    def footer(path: str) -> Any:
        return pq.read_metadata(f"{place}/{path}", filesystem=arrow)

    with ThreadPoolExecutor(_THREADS) as pool:
        footers = list(pool.map(footer, [entry.path for entry in found]))
    for entry, read in zip(found, footers, strict=True):
        _check_columns(scope.table, read.schema, f"{unload.uri}/{entry.path}")
    files = tuple(
        ManifestFile(f"{unload.uri}/{entry.path}", entry.size, int(read.num_rows))
        for entry, read in zip(found, footers, strict=True)
        if read.num_rows
    )
    rows = sum(file.record_count or 0 for file in files)
    if rows != scope.rows:
        raise rewritten(
            scope.table,
            f"the record of run {scope.run_id} says {scope.rows} rows, its files hold {rows}",
        )
    return files


def _check_columns(table: Table, schema: Any, where: str) -> None:
    """COPY goes by position and physical type, so both must be those of the definition."""
    wanted = [(column.name, *PHYSICAL[column.type]) for column in table.load_columns]
    found = [
        (each.path, str(each.physical_type), str(each.converted_type))
        for each in (schema.column(n) for n in range(len(schema)))
    ]
    if found != wanted:
        differ = next(
            (pair for pair in zip(found, wanted, strict=False) if pair[0] != pair[1]),
            (f"{len(found)} columns", f"{len(wanted)} columns"),
        )
        raise ExportFailed(
            f"{where} has {differ[0]} where {table.name} has {differ[1]} (name, physical and "
            "converted type); no manifest was written. This is a fault of Stormlake or of its Spark"
        )


def _parse(data: bytes, etag: str, unload: Unload, scope: LoadScope) -> Manifest:
    """Read a manifest of an earlier attempt, which must have the rows of the record."""
    url = f"{unload.uri}/{manifest_path(scope)}"
    try:
        files = tuple(
            ManifestFile(
                str(entry["url"]),
                int(entry["meta"]["content_length"]),
                int(entry["meta"]["record_count"]),
            )
            for entry in json.loads(data)["entries"]
        )
    except (ValueError, KeyError, TypeError) as error:
        raise RefusedInput(
            f"{url} is no manifest of ours: {error!r}; remove it and run again"
        ) from error
    manifest = Manifest(url, etag, files)
    if manifest.rows != scope.rows:
        raise RefusedInput(
            f"{url} has {manifest.rows} rows, the record of run {scope.run_id} {scope.rows}; "
            "remove it and run again"
        )
    return manifest


def _all_there(manifest: Manifest, unload: Unload, scope: LoadScope) -> bool:
    """Whether the files of a manifest are still there: `unload/` expires after some days."""
    if not manifest.files:
        return True
    listed = {
        f"{unload.uri}/{entry.path}": entry.size
        for entry in unload.store.list(f"{scope.table.name}/run={scope.run_id}/")
    }
    return all(listed.get(file.url) == file.content_length for file in manifest.files)
