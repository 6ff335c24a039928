"""How every job runs: an id, locks, Spark, CPU time, and a record or an exit at the end."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePath, PurePosixPath
from types import TracebackType
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from stormlake.archive.s3 import make_session
from stormlake.archive.source import Source, open_source
from stormlake.errors import ExitCode, RefusedInput, StormlakeError
from stormlake.lake.cancels import is_cancelled
from stormlake.lake.exits import RunExit, write_exit
from stormlake.lake.files import LakeFiles
from stormlake.lake.locks import Held, hold, live_locks
from stormlake.lake.partitions import Partition, PartitionWritten
from stormlake.lake.runs import (
    SOFTWARE,
    RunRecord,
    lock_hash,
    new_run_id,
    read_record,
    run_key,
    write_record,
)
from stormlake.lake.sources import code_hash
from stormlake.lake.store import LocalStore, S3Store, Store, StoreRefused, open_store
from stormlake.lake.types import Table
from stormlake.lake.write import remove_dead_staging, write_partitions
from stormlake.running.cpu import run_cpu_seconds
from stormlake.running.failures import place_of
from stormlake.running.options import Common, Terminated, interrupt_behind, refuse_unless
from stormlake.running.progress import Progress, ProgressObject
from stormlake.s3_access import S3Access

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Lake:
    """Where tables go: the address that Spark takes, and the store of records and locks.

    Parameters
    ----------
    uri : str
        `s3://bucket[/prefix]` or an absolute path.
    store : Store
        Below the same root.
    access : S3Access or None
        How a session of our own reaches it; None for a folder.
    """

    uri: str
    store: Store
    access: S3Access | None = None

    def exists(self) -> bool:
        """Whether there is anything: a folder, or a key below the address."""
        if isinstance(self.store, LocalStore):
            return self.store.root.is_dir()
        return next(iter(self.store.list("")), None) is not None


def open_lake(uri: str, common: Common) -> Lake:
    """Make a lake of what a person typed; nothing is contacted or made yet."""
    # An empty shell variable would make the working directory the lake.
    refuse_unless(bool(uri.strip()), "--lake is empty; name a folder or s3://BUCKET[/PREFIX]")
    if "://" not in uri:
        # Spark's workers have another working directory than the driver.
        uri = str(Path(uri).expanduser().absolute())
    if uri.startswith("s3://"):
        refuse_unless(
            re.match(r"s3://[^/]+(/|$)", uri) is not None,
            f"lake {uri!r} names no bucket: expected s3://BUCKET[/PREFIX]",
        )
        uri = uri.rstrip("/")
        session = make_session(common.region, common.aws_profile)
        store = open_store(uri, session=session, endpoint_url=common.endpoint_url)
        assert isinstance(store, S3Store)
        meta = store.client.meta
        return Lake(uri, store, S3Access(session, meta.endpoint_url, meta.region_name))
    if "://" in uri and not uri.startswith("file://"):
        raise RefusedInput(f"lake {uri!r}: expected a local folder or s3://BUCKET[/PREFIX]")
    return Lake(uri, open_store(uri))


def open_existing_lake(uri: str, common: Common) -> Lake:
    """Make a lake of what a person typed, for a command that reads what others have left.

    Raises
    ------
    RefusedInput
        There is none.
    """
    lake = open_lake(uri, common)
    if not lake.exists():
        raise RefusedInput(
            f"there is no lake at {lake.uri}: `stormlake ingest-radar` and `stormlake aggregate` "
            "make one; check --lake"
        )
    return lake


def open_archive(uri: str, common: Common) -> Source:
    """Make a source of what a person typed; nothing is contacted yet."""
    return open_source(
        uri,
        region=common.region,
        endpoint_url=common.endpoint_url,
        aws_profile=common.aws_profile,
    )


def refuse_lake_in_source(source: Source, lake: Lake) -> None:
    """Refuse a lake that the next run would list as input."""
    inside, outside = _place(lake.uri), _place(source.uri)
    if inside == outside or outside in inside.parents:
        raise RefusedInput(
            f"--lake {lake.uri} lies in --source {source.uri}: its files would be taken for input; "
            "put it beside the source"
        )


def _place(uri: str) -> PurePath:
    """A path that tells what lies in what, of an address of a folder or of a bucket."""
    scheme, colon, rest = uri.partition("://")
    if colon and scheme in ("s3", "s3a"):
        return PurePosixPath("s3:", rest)
    return Path(unquote(rest) if colon else uri).resolve()


class RunCancelled(StormlakeError):
    """Somebody has cancelled this run before it began to work."""

    exit_code = ExitCode.CANCELLED


@dataclass
class JobRun:
    """One run of one job, from its id to its record; a context manager.

    A run that does not reach `finish` leaves an exit (`_stormlake/exits/…`) with its code and
    message, and no record, which means: run it again.

    Parameters
    ----------
    job : str
        Name of the job, e.g. `ingest-radar`.
    lake : Lake
        Where it writes.
    common : Common
        The shared options.
    source : str
        What it reads, for the record.
    scope : mapping
        What was asked for (stations, start, end); JSON values.
    arguments : mapping
        The job's other arguments that decide what rows come out; JSON values.
    profile, profile_hash : str or None
        Radar profile, where the job has one.
    """

    job: str
    lake: Lake
    common: Common
    source: str
    scope: Mapping[str, Any]
    arguments: Mapping[str, Any]
    profile: str | None = None
    profile_hash: str | None = None
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    tables: dict[str, tuple[PartitionWritten, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.lock_hash = lock_hash()
        self.run_key = run_key(
            self.job,
            self.scope,
            code_hash(),
            self.lock_hash,
            self.profile_hash,
            self.arguments,
        )
        self.run_id = self.common.run_id or new_run_id(self.run_key, self.started)
        self._names: dict[str, tuple[str, ...]] = {}
        self._held: list[Held] = []
        self._stack = ExitStack()
        self._told = ProgressObject(self.lake.store, self.job, self.run_id)
        self._finished = self._has_record = False
        self._clock = time.monotonic()
        self._cpu = run_cpu_seconds()
        self._starting_cpu = self._starting_wall = 0.0
        self._elsewhere: Callable[[], float] | None = None

    def __enter__(self) -> JobRun:
        logger.info("run %s of %s: %s -> %s", self.run_id, self.job, self.source, self.lake.uri)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            # A store that does not let us in takes no exit, either.
            told = not isinstance(value, StoreRefused)
            if value is not None and told and not self._finished and not self._has_record:
                self._record_exit(interrupt_behind(value))
        finally:
            self._told.remove()
            self._stack.close()

    def earlier_record(self) -> RunRecord | None:
        """Give the record of a run of this id that has finished before: a retry has nothing to do.

        Raises
        ------
        RefusedInput
            When that run was asked for something else.
        """
        record = read_record(self.lake.store, self.job, self.run_id)
        self._has_record = record is not None
        if record is not None and record.run_key != self.run_key:
            raise RefusedInput(
                f"run {self.run_id} of {self.job} has finished before, with other arguments or "
                "other code; give another --run-id"
            )
        if record is not None:
            logger.info("run %s has finished before; nothing is done again", self.run_id)
        return record

    @contextmanager
    def hold(self, names: Collection[str] | None) -> Iterator[None]:
        """Hold the locks of this job on stations or sources (None: on the job alone).

        Raises
        ------
        LockHeld
            Another run keeps one.
        RunCancelled
            Somebody has cancelled this run.
        """
        if names is not None and not names:
            yield
            return
        words = None if names is None else sorted(names)
        with hold(self.lake.store, self.job, words, run_id=self.run_id) as held:
            self._held.append(held)
            try:
                if is_cancelled(self.lake.store, self.job, self.run_id):
                    raise RunCancelled(f"run {self.run_id} was cancelled; nothing was written")
                yield
            except BaseException:
                # What Spark may still be writing must end before another run may begin.
                self._stack.close()
                raise
            finally:
                self._held.remove(held)

    def check_locks(self) -> None:
        """Make sure that all locks are still ours; call it before every commit."""
        for held in self._held:
            held.check()

    def start_spark(
        self,
        master: str | None,
        extra: Mapping[str, str] | None = None,
        s3: S3Access | None = None,
    ) -> SparkSession:
        """Start the run's session; its own CPU and wall time are kept apart.

        Parameters
        ----------
        master : str or None
        extra : mapping of str to str, optional
            Further settings.
        s3 : S3Access, optional
            How it reaches other buckets, where the lake itself is a folder.
        """
        from stormlake.spark import executor_cpu_seconds, is_local, start_session, stop_session

        cpu, wall = run_cpu_seconds(), time.monotonic()
        name = f"stormlake {self.job} {self.run_id}"
        session = start_session(name, master, extra, self.lake.access or s3)
        self._starting_cpu = run_cpu_seconds() - cpu
        self._starting_wall = time.monotonic() - wall
        self._stack.callback(stop_session, session)
        if not is_local(session):
            # Executors are not below this process; Spark and the tasks tell their CPU time.
            self._elsewhere = lambda: executor_cpu_seconds(session)
        return session

    def progress(self, what: str, total: int, done: Callable[[], int]) -> Progress:
        """Show how many are done, here and, until the run ends, in the lake.

        Parameters
        ----------
        what : str
            What is counted, plural.
        total : int
        done : callable
            How many are done; asked from other threads.
        """
        if total:
            self._told.count(what, total, done)
        return Progress(what, total, done)

    def clean_staging(self, spark: SparkSession, tables: Sequence[Table]) -> None:
        """Remove what killed runs left half-written; call it while the locks are held."""
        if self._held:
            mine = self._held[0]
            remove_dead_staging(
                spark,
                tables,
                self.lake.uri,
                lambda: bool(live_locks(self.lake.store, but=mine)),
            )

    def write(
        self,
        frame: DataFrame,
        table: Table,
        scope: Sequence[Partition],
        expected: Mapping[Partition, int] | None = None,
    ) -> None:
        """Replace the scope's partitions of a table, and note it for the record.

        Parameters
        ----------
        frame : DataFrame
            The rows.
        table : Table
        scope : sequence of Partition
            What the run replaces; a partition without rows is emptied.
        expected : mapping of Partition to int, optional
            How many rows each partition must have got.

        Raises
        ------
        StormlakeError
            When a partition has another number of rows: its source changed while it was read.
        """
        self.check_locks()
        # A lock that is lost meanwhile is another run's, which is writing now: stop at once.
        for held in self._held:
            held.on_lost = frame.sparkSession.sparkContext.cancelAllJobs
        written = write_partitions(frame, table, self.lake.uri, scope)
        self.check_locks()
        for each in written:
            if expected is not None and each.rows != expected.get(each.values, 0):
                raise StormlakeError(
                    f"{table.name} {'/'.join(each.values)} got {each.rows} rows, expected "
                    f"{expected.get(each.values, 0)}: the source changed during the run; run again"
                )
        self.wrote(table, written)
        logger.info(
            "%s: %s rows in %d partitions",
            table.name,
            f"{sum(p.rows for p in written):,}",
            len(written),
        )

    def wrote(self, table: Table, written: Collection[PartitionWritten]) -> None:
        """Note what a table got, for the record; it may be written some partitions at a time."""
        self.tables[table.name] = (*self.tables.get(table.name, ()), *written)
        self._names[table.name] = table.partition_names

    def partition_rows(
        self, spark: SparkSession, table: Table, partitions: Sequence[Partition]
    ) -> dict[Partition, int]:
        """How many rows partitions hold now, by their files' footers; 0 where there is none."""
        files = LakeFiles(spark, self.lake.uri)
        found = files.data_files(table, partitions)
        counted = files.count_rows({p: s for sizes in found.values() for p, s in sizes.items()})
        return {
            values: sum(counted[path].rows for path in sizes) for values, sizes in found.items()
        }

    @property
    def rows(self) -> dict[str, int]:
        """Rows written so far, by table."""
        return {name: sum(p.rows for p in parts) for name, parts in self.tables.items()}

    @property
    def bytes_written(self) -> int:
        """Bytes of data files written so far."""
        return sum(p.bytes for parts in self.tables.values() for p in parts)

    def core_seconds(self, of_tasks: float = 0.0) -> float:
        """CPU time of the run so far, the start of Spark apart.

        Parameters
        ----------
        of_tasks : float
            CPU time that Python tasks on executors reported; used where executors are not
            processes below this one.
        """
        total = run_cpu_seconds() - self._cpu - self._starting_cpu
        if self._elsewhere is not None:
            total += self._elsewhere() + of_tasks
        return total

    def wall_seconds(self) -> float:
        """Seconds since the run began, the start of Spark apart."""
        return time.monotonic() - self._clock - self._starting_wall

    def finish(self, summary: Any, ok: bool = True) -> None:
        """Write the run record, the last thing that a run does.

        Parameters
        ----------
        summary : dataclass
            The job's own numbers.
        ok : bool
            False when the share of rejects was over its limit.
        """
        self.check_locks()
        code = ExitCode.DONE if ok else ExitCode.TOO_MANY_REJECTS
        write_record(
            self.lake.store,
            RunRecord(
                job=self.job,
                run_id=self.run_id,
                run_key=self.run_key,
                started=self.started,
                finished=datetime.now(UTC),
                ok=ok,
                exit_code=int(code),
                software=SOFTWARE,
                code_hash=code_hash(),
                lock_hash=self.lock_hash,
                source=self.source,
                tables=self.tables,
                partitions=self._names,
                profile=self.profile,
                profile_hash=self.profile_hash,
                start=self.scope.get("start"),
                end=self.scope.get("end"),
                summary=asdict(summary),
            ),
        )
        self._finished = True

    def _record_exit(self, error: BaseException) -> None:
        code = ExitCode.FAILED
        if isinstance(error, StormlakeError):
            code = error.exit_code
        elif isinstance(error, Terminated):
            code = ExitCode.CANCELLED
        elif isinstance(error, KeyboardInterrupt):
            code = ExitCode.INTERRUPTED
        where = None
        if not isinstance(error, StormlakeError | KeyboardInterrupt | OSError):
            where = place_of(error)
        left = RunExit(int(code), f"{type(error).__name__}: {error}", where)
        try:
            write_exit(self.lake.store, self.job, self.run_id, left, started=self.started)
        except Exception as failure:  # the first error is the one to tell
            logger.warning("the exit could not be recorded: %s", failure)
