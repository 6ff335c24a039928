"""Exit codes and the errors that carry them: one place for what a caller's shell sees."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """How a command ended; the same meaning for every command."""

    DONE = 0
    FAILED = 1
    REFUSED = 2
    TOO_MANY_REJECTS = 3
    STILL_RUNNING = 4
    UNREACHABLE = 5
    CANCELLED = 6
    INTERRUPTED = 130


class StormlakeError(Exception):
    """An error whose message a person can act on; the command prints it without a traceback."""

    exit_code: ExitCode = ExitCode.FAILED


class RefusedInput(StormlakeError):
    """An option or an input that cannot be used as given."""

    exit_code = ExitCode.REFUSED


class ServiceUnreachable(StormlakeError):
    """A service (S3, EMR, Redshift) did not answer after all retries."""

    exit_code = ExitCode.UNREACHABLE


class TooManyRejects(StormlakeError):
    """More of the input was rejected than the limit allows; everything else is written."""

    exit_code = ExitCode.TOO_MANY_REJECTS
