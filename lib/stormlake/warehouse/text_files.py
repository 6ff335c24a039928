"""A vendor's delimited files in S3: which, in which version, and whether they have a header."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

from stormlake.errors import RefusedInput, StormlakeError
from stormlake.lake.objects import AlreadyExists
from stormlake.lake.partitions import FileWritten, PartitionWritten
from stormlake.lake.runs import canonical
from stormlake.lake.types import Column, Table
from stormlake.running.aws import ApiCall, Aws, CallFailed
from stormlake.warehouse.copy_text import TextFormat
from stormlake.warehouse.exporting import Unload, manifest_path
from stormlake.warehouse.manifest import Manifest, ManifestFile, manifest_text
from stormlake.warehouse.scope import LoadScope

FIRST_BYTES: Final = 1 << 16
"""Of a file this much is looked at."""
_BOOLEANS: Final = frozenset({*("true", "t", "yes", "y", "1"), *("false", "f", "no", "n", "0")})
_NUMBERS: Final = frozenset({"short", "int", "long", "float", "double"})


class FileChanged(StormlakeError):
    """A file was written anew while it was loaded."""


@dataclass(frozen=True)
class TextFile:
    """One object, in one version.

    Parameters
    ----------
    bucket, key, etag : str
    version : str
        Empty where the bucket keeps none.
    size : int
        Bytes.
    modified : datetime
        UTC.
    """

    bucket: str
    key: str
    etag: str
    version: str
    size: int
    modified: datetime

    @property
    def url(self) -> str:
        """`s3://bucket/key`."""
        return f"s3://{self.bucket}/{self.key}"


def find_text_files(aws: Aws, source: str) -> tuple[TextFile, ...]:
    """Find the object of this name, or the objects below it.

    Parameters
    ----------
    aws : Aws
    source : str
        `s3://bucket/key`, or a folder, `s3://bucket/prefix/`.

    Returns
    -------
    tuple of TextFile
        By key. Names that begin with `_` or `.` are no input, and neither is what is empty.

    Raises
    ------
    RefusedInput
        It is no such address, or nothing is there.
    """
    parts = urlsplit(source)
    bucket, key = parts.netloc, parts.path.lstrip("/")
    if parts.scheme != "s3" or not bucket or parts.query or parts.fragment:
        raise RefusedInput(
            f"--source {source!r}: expected s3://BUCKET/KEY of a file, or s3://BUCKET/PREFIX/; "
            "Redshift reads from nowhere else"
        )
    keys = [key] if key and not key.endswith("/") else list(_keys(aws, bucket, key))
    try:
        found = [_look(aws, bucket, each) for each in keys]
    except CallFailed as error:
        raise RefusedInput(
            f"--source {source}: {error}; name a file, or a folder with a slash at its end"
        ) from error
    files = tuple(each for each in found if each.size)
    if not files:
        raise RefusedInput(f"--source {source}: there is no file with anything in it")
    return files


def scope_of_files(table: Table, files: Sequence[TextFile]) -> LoadScope:
    """Make the record of vendor's files: who has the same files in the same version is one run.

    The run "started" when the newest of its files was written, so a copy that is loaded late does
    not bring back what a newer one has replaced.
    """
    named = sorted([each.url, each.version, each.etag, each.size] for each in files)
    run_id = hashlib.sha256(canonical(named)).hexdigest()[:16]
    started = max(each.modified for each in files)
    written = tuple(FileWritten(each.url, 0, each.size) for each in files)
    return LoadScope(
        table, f"load-text-{table.name}", run_id, started, (PartitionWritten((), written),)
    )


def write_text_manifest(unload: Unload, scope: LoadScope, files: Sequence[TextFile]) -> Manifest:
    """Write the manifest of vendor's files, which stay where they are; once for one run."""
    entries = tuple(ManifestFile(each.url, each.size) for each in files)
    path, text = manifest_path(scope), manifest_text(entries)
    try:
        etag = unload.store.create(path, text)
    except AlreadyExists:
        there = unload.store.read(path)
        if there is None or there.data != text:
            raise RefusedInput(
                f"{unload.uri}/{path} is not the manifest of these files; remove it and run again"
            ) from None
        etag = there.etag
    return Manifest(f"{unload.uri}/{path}", etag, entries)


def refuse_changed(aws: Aws, files: Sequence[TextFile]) -> None:
    """Look whether the files are still those that were found; COPY reads what is there.

    Raises
    ------
    FileChanged
        One was written anew.
    """
    for each in files:
        if _look(aws, each.bucket, each.key) != each:
            raise FileChanged(
                f"{each.url} was written anew while it was loaded, and which version was read is "
                "not known: load it again, which replaces the rows"
            )


def check_header(aws: Aws, table: Table, files: Sequence[TextFile], form: TextFormat) -> None:
    """Hold `--ignore-header` against the first lines of each file.

    Raises
    ------
    RefusedInput
        A line that would be loaded is no data, or one that would be left out is.
    """
    for each in files:
        for number, line in _lines(_first_bytes(aws, each, form), form.ignore_header + 1):
            wrong = _no_data(table, line, form)
            if number <= form.ignore_header and wrong is None:
                raise RefusedInput(
                    f"{each.url}: line {number} is data and would be left out ({line[:60]!r}); "
                    f"give --ignore-header {number - 1}"
                )
            if number > form.ignore_header and wrong is not None:
                raise RefusedInput(
                    f"{each.url}: line {number}: {wrong}; if it is a header give --ignore-header "
                    f"{number}, else mend it or give the right --delimiter"
                )


def _no_data(table: Table, line: str, form: TextFormat) -> str | None:
    """Say why a line cannot be a row; None where it can. Dates are left to COPY and its formats."""
    fields = _fields(line, form)
    # COPY's own word for NULL, where no other is given ("NULL AS").
    null = "\\N" if form.null_as is None else form.null_as
    typed = 0
    for column, field in zip(table.load_columns, fields, strict=False):
        text = field.strip()
        if column.type in _NUMBERS or column.type == "boolean":
            typed += 1
            if text not in ("", null) and not _parses(column, text):
                return f"column {column.name} is {column.type}, and {text[:40]!r} is none"
    names = [column.name for column in table.load_columns]
    if not typed and [each.strip().lower() for each in fields[: len(names)]] == names:
        return "it holds the columns' names"
    return None


def _fields(line: str, form: TextFormat) -> list[str]:
    """Cut a line where COPY does, with its backslashes as they are: they may mean NULL."""
    if not form.escape:
        return line.split(form.delimiter)
    fields = [""]
    characters = iter(line)
    for each in characters:
        if each == "\\":
            fields[-1] += each + next(characters, "")
        elif each == form.delimiter:
            fields.append("")
        else:
            fields[-1] += each
    return fields


def _parses(column: Column, text: str) -> bool:
    if column.type == "boolean":
        return text.lower() in _BOOLEANS
    try:
        float(text) if column.type in ("float", "double") else int(text)
    except ValueError:
        return False
    return True


def _lines(data: bytes, count: int) -> Iterator[tuple[int, str]]:
    """Give the first lines with their numbers; those without anything are passed over."""
    for number, line in enumerate(data.split(b"\n")[:count], 1):
        if line:
            yield number, line.rstrip(b"\r").decode(errors="replace")


def _first_bytes(aws: Aws, file: TextFile, form: TextFormat) -> bytes:
    asked = {"Bucket": file.bucket, "Key": file.key, "Range": f"bytes=0-{FIRST_BYTES - 1}"}
    data: bytes = aws.make(ApiCall("s3", "GetObject", asked))["Body"].read()
    zipped = data[:2] == b"\x1f\x8b"
    if zipped != form.gzip:
        raise RefusedInput(
            f"{file.url} is {'' if zipped else 'not '}gzipped; "
            + ("give --gzip" if zipped else "leave --gzip out")
        )
    if zipped:
        try:
            data = zlib.decompressobj(wbits=31).decompress(data)
        except zlib.error as error:
            raise RefusedInput(f"{file.url} is damaged: {error}") from error
    # What is cut off would be judged by half a value: only whole lines are looked at.
    return data if file.size <= FIRST_BYTES else data[: data.rfind(b"\n") + 1]


def _look(aws: Aws, bucket: str, key: str) -> TextFile:
    answer: dict[str, Any] = aws.make(ApiCall("s3", "HeadObject", {"Bucket": bucket, "Key": key}))
    version = str(answer.get("VersionId", ""))
    size = int(answer["ContentLength"])
    return TextFile(bucket, key, answer["ETag"], version, size, answer["LastModified"])


def _keys(aws: Aws, bucket: str, prefix: str) -> Iterator[str]:
    more: dict[str, str] = {}
    while True:
        asked = {"Bucket": bucket, "Prefix": prefix, **more}
        try:
            page = aws.make(ApiCall("s3", "ListObjectsV2", asked))
        except CallFailed as error:
            raise RefusedInput(f"s3://{bucket}/{prefix}: {error}; check --source") from error
        for each in page.get("Contents", ()):
            key = str(each["Key"])
            if not key.rsplit("/", 1)[-1].startswith(("_", ".")) and not key.endswith("/"):
                yield key
        if not page.get("IsTruncated"):
            return
        more = {"ContinuationToken": page["NextContinuationToken"]}
