"""Runs: their ids, and the records that tell what they left; `exits` tells of those without one.

A record is written last and once; without one the answer is to run again. Loads into a warehouse
start from records, so the scope of a partition that got no rows stands there too.
"""

from __future__ import annotations

import hashlib
import json
import sys
import sysconfig
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from stormlake import __version__
from stormlake.errors import RefusedInput
from stormlake.lake.partitions import FileWritten, Partition, PartitionWritten
from stormlake.lake.store import Store

SOFTWARE = f"stormlake {__version__}"
"""Name and version of the code, as rows and records carry it."""

FORMAT = 1
"""Version of the record's form; a record of a later one is refused, not guessed at."""


@dataclass(frozen=True)
class RunRecord:
    """What a finished run read and left; only runs that ended with 0 or 3 have one.

    Parameters
    ----------
    job, run_id, run_key : str
        Name of the job; id of this run; what equal runs have in common.
    started, finished : datetime
        UTC. Of two runs over one partition the later started one counts.
    ok : bool
        False when the share of rejects was over its limit (exit code 3).
    exit_code : int
        What the command returned.
    software, code_hash, lock_hash : str
        Version of Stormlake; hash of its code; hash of its dependencies.
    profile, profile_hash : str or None
        Radar profile, where the job has one.
    source : str
        URI that was read.
    start, end : str or None
        Window as ISO days, half-open; None for all that the source held.
    tables : mapping of str to tuple of PartitionWritten
        For each table the scope of the run: every partition with its files and rows, and without
        files where it was emptied.
    partitions : mapping of str to tuple of str
        For each table the names of its partition columns, in the order of the values.
    summary : mapping
        The job's own numbers, as its `--output json` prints them.
    """

    job: str
    run_id: str
    run_key: str
    started: datetime
    finished: datetime
    ok: bool
    exit_code: int
    software: str
    code_hash: str
    lock_hash: str
    source: str
    tables: Mapping[str, tuple[PartitionWritten, ...]]
    partitions: Mapping[str, tuple[str, ...]]
    profile: str | None = None
    profile_hash: str | None = None
    start: str | None = None
    end: str | None = None
    summary: Mapping[str, Any] = field(default_factory=dict)


def run_key(
    job: str,
    scope: Mapping[str, Any],
    code: str,
    lock: str,
    profile: str | None,
    arguments: Mapping[str, Any] | Sequence[Any],
) -> str:
    """Hash what makes two runs the same run.

    Parameters
    ----------
    job : str
        Name of the job.
    scope : mapping
        What is asked for, e.g. stations and days; JSON values only.
    code, lock, profile : str
        `code_hash()`, `lock_hash()`, and the profile's hash or None.
    arguments : mapping or sequence
        The job's other arguments; JSON values only.

    Returns
    -------
    str
        16 hex digits.
    """
    return _hash(
        {
            "job": job,
            "scope": scope,
            "code": code,
            "lock": lock,
            "profile": profile,
            "arguments": arguments,
        }
    )


def new_run_id(key: str, started: datetime) -> str:
    """Id of a run started by hand: its key and its UTC start, to the millisecond."""
    utc = started.astimezone(UTC)
    return f"{key}-{utc:%Y%m%dT%H%M%S}.{utc.microsecond // 1000:03d}Z"


def lock_hash(lock_file: Path | None = None) -> str:
    """Hash of the dependencies.

    Parameters
    ----------
    lock_file : Path, optional
        A lock file, as a client that submits a job has it. Without: what is installed here, by
        name and version, which is what a running job knows.

    Returns
    -------
    str
        16 hex digits.
    """
    if lock_file is not None:
        return hashlib.sha256(lock_file.read_bytes()).hexdigest()[:16]
    # Not all that sys.path leads to: setuptools adds its vendored packages once somebody imports
    # distutils (PySpark 3.5 does), and two equal runs in one process had two keys.
    folders = list({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")})
    found = metadata.distributions(path=folders)
    installed = {(str(each.name).lower(), each.version) for each in found}
    return _hash([sys.version.split()[0], *sorted(installed)])


def record_path(job: str, run_id: str) -> str:
    """Where a run's record stands in the store."""
    return f"_stormlake/runs/{job}/{run_id}.json"


def write_record(store: Store, record: RunRecord) -> None:
    """Write a run's record, the last thing a run does.

    Raises
    ------
    AlreadyExists
        When a run of that id has finished before.
    """
    lines = asdict(record) | {
        "format": FORMAT,
        "started": iso_utc(record.started),
        "finished": iso_utc(record.finished),
        "tables": {
            table: [_partition_line(record.partitions[table], each) for each in written]
            for table, written in record.tables.items()
        },
    }
    store.create(record_path(record.job, record.run_id), canonical(lines, indent=1))


def read_record(store: Store, job: str, run_id: str) -> RunRecord | None:
    """Read one run's record, None when there is none."""
    path = record_path(job, run_id)
    stored = store.read(path)
    return None if stored is None else _parse(stored.data, path)


def read_records(store: Store, job: str | None = None) -> list[RunRecord]:
    """Read the records of a job, or of all jobs, in the order in which the runs started."""
    prefix = "_stormlake/runs/" + (f"{job}/" if job else "")
    records = []
    for entry in store.list(prefix):
        stored = store.read(entry.path)
        if stored is not None and entry.path.endswith(".json"):
            records.append(_parse(stored.data, entry.path))
    return sorted(records, key=lambda record: (record.started, record.run_id))


def latest_records(records: Iterable[RunRecord], table: str) -> dict[Partition, RunRecord]:
    """Give for every partition of a table the record of the run that started last.

    A run that was not `ok` counts too: it did replace the partition, and whoever loads from it
    must decide.
    """
    latest: dict[Partition, RunRecord] = {}
    for record in sorted(records, key=lambda record: (record.started, record.run_id)):
        for written in record.tables.get(table, ()):
            latest[written.values] = record
    return latest


def iso_utc(time: datetime) -> str:
    """Write a time as records do: UTC, to the microsecond, `2026-08-11T22:58:58.123456Z`."""
    return time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def canonical(value: Any, indent: int | None = None) -> bytes:
    """Write JSON whose bytes are equal for equal values: keys sorted, UTF-8."""
    separators = (",", ":") if indent is None else None
    return json.dumps(
        value,
        sort_keys=True,
        ensure_ascii=False,
        allow_nan=False,
        separators=separators,
        indent=indent,
    ).encode()


def _partition_line(names: tuple[str, ...], written: PartitionWritten) -> dict[str, Any]:
    return {
        "partition": dict(zip(names, written.values, strict=True)),
        "rows": written.rows,
        "bytes": written.bytes,
        "files": [asdict(file) for file in written.files],
    }


def _parse(data: bytes, path: str) -> RunRecord:
    try:
        lines = json.loads(data)
        if lines["format"] > FORMAT:
            raise RefusedInput(
                f"{path} was written by Stormlake {lines['software']}, whose records have form "
                f"{lines['format']}; this one reads up to {FORMAT}: upgrade"
            )
        names = {table: tuple(columns) for table, columns in lines["partitions"].items()}
        tables = {
            table: tuple(
                PartitionWritten(
                    tuple(line["partition"][name] for name in names[table]),
                    tuple(FileWritten(**file) for file in line["files"]),
                )
                for line in written
            )
            for table, written in lines["tables"].items()
        }
        parsed = {
            "tables": tables,
            "partitions": names,
            "started": datetime.fromisoformat(lines["started"]),
            "finished": datetime.fromisoformat(lines["finished"]),
        }
        known = {each.name for each in fields(RunRecord)}
        return RunRecord(**{k: v for k, v in lines.items() if k in known} | parsed)
    except (ValueError, KeyError, TypeError) as error:
        raise RefusedInput(f"{path} is not a run record: {error!r}") from error


def _hash(value: Any) -> str:
    return hashlib.sha256(canonical(value)).hexdigest()[:16]
