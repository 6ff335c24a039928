"""Why a run failed: the first that speaks, and one line of advice where the words are known.

In this order: the service's own FailureDetails, where it says more than that something failed; the
driver's last word (a Python traceback, or a command's own last line); the deepest `Caused by:`; a
known line of YARN's or Spark's; what the run left in its lake; the cluster's reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from stormlake.emr.log_scan import Failure, Scanner
from stormlake.lake.exits import RunExit

SAYS_NOTHING: Final = re.compile(
    r"^\s*$|^Unknown Error\.?$|finished with failed status|User application exited with"
    r"|Job execution failed|Last few exceptions:\s*$",
    re.IGNORECASE,
)
"""What services say of any failed step; why it failed stands elsewhere."""

_PASSED_ON: Final = ("Py4JJavaError:", "PythonException", "SparkException: Job aborted")


@dataclass(frozen=True)
class Pattern:
    """A line that is known, and what to do about it.

    Parameters
    ----------
    name : str
    line : re.Pattern
        Searched in each line; its named groups fill the advice.
    advice : str
        One line.
    """

    name: str
    line: re.Pattern[str]
    advice: str


PATTERNS: Final = (
    Pattern(
        "executor killed by YARN for memory",
        re.compile(
            r"Container killed by YARN for exceeding (?:physical |virtual )?memory limits\. "
            r"(?P<used>[\d.]+ [KMGT]B of [\d.]+ [KMGT]B)"
        ),
        "an executor's processes used {used}: give each more beside its heap, --conf "
        "spark.executor.memoryOverhead=…, or fewer tasks, --conf spark.executor.cores=…",
    ),
    Pattern(
        "driver killed by YARN for memory",
        re.compile(
            r"Container \[[^\]]*\] is running \S+ beyond the '(?:PHYSICAL|VIRTUAL)' memory limit\. "
            r"Current usage: (?P<used>[\d.]+ [KMGT]B of [\d.]+ [KMGT]B)"
        ),
        "the container used {used}: of a driver raise --conf spark.driver.memoryOverhead=…, of an "
        "executor spark.executor.memoryOverhead",
    ),
    Pattern(
        "exit 137",
        re.compile(r"(?:Exit status: |Exit code is |exited with +exitCode: )137\b"),
        "exit 137 is SIGKILL: the machine ran out of memory; use a larger instance type, or fewer "
        "tasks in each executor, --conf spark.executor.cores=…",
    ),
    Pattern(
        "Java's heap is full",
        re.compile(r"java\.lang\.OutOfMemoryError: (?P<of>Java heap space|GC overhead limit\b.*)"),
        "the heap of the JVM that says so is full ({of}): raise --conf spark.driver.memory=… or "
        "spark.executor.memory=…",
    ),
    Pattern(
        "archive not found",
        re.compile(
            r"(?:FileNotFoundException|No such file|NoSuchKey|does not exist).*?"
            r"(?P<archive>s3[an]?://\S*?artifacts/deps/[^\s:#]+)"
            r"|(?P<other>s3[an]?://\S*?artifacts/deps/[^\s:#]+).*?"
            r"(?:does not exist|No such file|NoSuchKey|Not Found)"
        ),
        "the archive of the dependencies is not there: stormlake emr package uploads it, for the "
        "cluster's runtime",
    ),
    Pattern(
        "interpreter not found",
        re.compile(r'Cannot run program "(?P<python>[^"]*python[^"]*)"'),
        "{python} does not start: the archive was not unpacked, or the cluster has another release "
        "than the one it was made for; compare --runtime with the cluster's release",
    ),
    Pattern(
        "S3 says 403",
        re.compile(
            r"s3[an]?://(?P<bucket>[^/\s'\"]+)/(?P<key>[^\s:'\"]*)(?=.*"
            r"(?:AccessDenied\b|Access Denied|Status Code: 403|403 Forbidden|: Forbidden))"
        ),
        "the job's role may not use bucket {bucket}, key {key}: allow it in the role's policy, and "
        "in that of the bucket's KMS key",
    ),
    Pattern(
        "ANSI SQL refuses a value",
        re.compile(
            r"\[(?P<kind>CAST_INVALID_INPUT|CAST_OVERFLOW|CANNOT_PARSE_TIMESTAMP|DIVIDE_BY_ZERO"
            r"|ARITHMETIC_OVERFLOW|NUMERIC_VALUE_OUT_OF_RANGE)[^\]]*\]"
        ),
        "a value does not fit ({kind}), and every runtime refuses it alike: find it with try_cast "
        "or try_divide, on a laptop with the same arguments",
    ),
    Pattern(
        "over the reject share",
        re.compile(r"TooManyRejects: "),
        "tables and record are written, the record says not ok: look at the reasons in "
        "radar_volumes or rejects; a load takes such a run with --accept",
    ),
    Pattern(
        "another run holds the lock",
        re.compile(r"LockHeld: .*?is locked by run (?P<run>\S+),"),
        "run {run} works on the same scope: wait for its end (stormlake emr list), then submit "
        "again",
    ),
)
"""In the order in which they are asked; the more particular first."""


@dataclass(frozen=True)
class Cause:
    """Why a run failed.

    Parameters
    ----------
    what : str
        The error and its words.
    where : str or None
        File, line and function.
    because : str or None
        A deeper cause, of Java's.
    advice : str or None
        What to do about it.
    source : str
        Who says so.
    """

    what: str
    where: str | None
    because: str | None
    advice: str | None
    source: str


@dataclass(frozen=True)
class Evidence:
    """What one log says.

    Parameters
    ----------
    source : str
        The log's title and address.
    error : Failure or None
    caused_by : str or None
        The deepest of Java.
    known : mapping of str to str
        Name of a pattern -> the last line that it was found in, from there on.
    """

    source: str
    error: Failure | None
    caused_by: str | None
    known: Mapping[str, str]


def read_evidence(source: str, lines: Iterable[str]) -> Evidence:
    """Read a log for what it says of a failure, in one go and bounded memory."""
    scanner, known = Scanner(), dict[str, str]()
    for line in lines:
        scanner.read(line)
        for pattern in PATTERNS:
            if match := pattern.line.search(line):
                known[pattern.name] = line[match.start() :].strip()
    return Evidence(source, scanner.found.error, scanner.found.caused_by, known)


def find_cause(
    failure: Mapping[str, str],
    logs: Iterable[Evidence],
    left: RunExit | None,
    service: str,
) -> Cause | None:
    """Give the first that speaks.

    Parameters
    ----------
    failure : mapping
        FailureDetails of the step: Reason, Message, LogFile.
    logs : iterable of Evidence
        The driver's, the last attempt first, then the step's own.
    left : RunExit or None
        What the run left in its lake.
    service : str
        The reason that the service gives, of the step or its cluster; may be empty.
    """
    evidence = list(logs)
    found = (
        _of_service(failure, evidence)
        or _of_errors(evidence)
        or _of_java(evidence)
        or _of_patterns(evidence)
        or _of_lake(left)
        or (None if SAYS_NOTHING.search(service) else (Failure(service), None, "the service"))
    )
    if found is None:
        return None
    error, because, source = found
    if because is None:
        because = next((each.caused_by for each in evidence if each.caused_by), None)
    if because and error.what.startswith(_PASSED_ON):
        error, because = Failure(because, error.where), None
    known = [line for each in evidence for line in each.known.values()]
    line, advice = _advice([error.what, because or "", *known])
    if because is None and line not in (None, error.what):
        because = line
    return Cause(error.what, error.where, because, advice, source)


_Found = tuple[Failure, str | None, str]
"""The error, a deeper cause, who says so."""


def _of_service(failure: Mapping[str, str], evidence: Iterable[Evidence]) -> _Found | None:
    words = [failure.get("Reason", ""), failure.get("Message", "")]
    said = ": ".join(each for each in words if not SAYS_NOTHING.search(each))
    if not said:
        return None
    deeper = _of_errors(evidence)
    where, because = (deeper[0].where, deeper[0].what) if deeper else (None, None)
    return Failure(said, where), because, "EMR's FailureDetails"


def _of_errors(evidence: Iterable[Evidence]) -> _Found | None:
    for each in evidence:
        if each.error is not None:
            return each.error, each.caused_by, each.source
    return None


def _of_java(evidence: Iterable[Evidence]) -> _Found | None:
    for each in evidence:
        if each.caused_by is not None:
            return Failure(each.caused_by), None, each.source
    return None


def _of_patterns(evidence: list[Evidence]) -> _Found | None:
    for pattern in PATTERNS:
        for each in evidence:
            if pattern.name in each.known:
                return Failure(each.known[pattern.name]), None, each.source
    return None


def _of_lake(left: RunExit | None) -> _Found | None:
    if left is None:
        return None
    return Failure(left.message, left.where), None, "the run's exit in its lake"


def _advice(said: Iterable[str]) -> tuple[str | None, str | None]:
    """Give the line that the first pattern knows, and its advice."""
    lines = list(said)
    for pattern in PATTERNS:
        for line in lines:
            if match := pattern.line.search(line):
                return line, pattern.advice.format(**match.groupdict(default=""))
    return None, None
