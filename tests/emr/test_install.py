"""What pip says, and what it means: its words in our errors, whatever version it is."""

from __future__ import annotations

import pytest

from stormlake.emr.artifacts import Target
from stormlake.emr.install import InstallFailed, NoRoom, explain
from stormlake.emr.refusals import GlibcTooNew, NotOnIndex, OtherContent, SourceOnly
from stormlake.errors import ExitCode, ServiceUnreachable, StormlakeError
from stormlake.runtimes import runtime

TARGET = Target(runtime("emr-7.13.0"))
VERSIONS = {"some-package": "2.0"}

NOT_FOUND = """\
ERROR: Could not find a version that satisfies the requirement some-package==2.0 (from versions: 1.0)
ERROR: No matching distribution found for some-package==2.0
"""  # noqa: E501 - as pip says it
SKIPPED = (
    "2026-11-25T22:56:35,993   Skipping link: none of the wheel's tags "
    "(cp311-cp311-manylinux_2_39_x86_64) are compatible (run pip debug --verbose to show compatible"
    " tags): https://example.org/packages/ab/{file} (from https://example.org/simple/some-package/)"
)
SOURCE = "Skipping link: No sources permitted for some-package: https://example.org/{file} (from x)"
RETRY = (
    "WARNING: Retrying (Retry(total=4, connect=None, read=None, redirect=None, status=None)) after "
    "connection broken by 'NewConnectionError('<pip._vendor.urllib3.connection.HTTPConnection "
    "object at 0x7f40>: Failed to establish a new connection: {why}')': /simple/some-package/\n"
)


@pytest.mark.parametrize(
    ("said", "log", "error", "told"),
    [
        (
            NOT_FOUND,
            SKIPPED.format(file="some_package-2.0-cp311-cp311-manylinux_2_39_x86_64.whl"),
            GlibcTooNew,
            "some_package-2.0-cp311-cp311-manylinux_2_39_x86_64.whl needs a newer glibc",
        ),
        # A local version's `+` is escaped in an address.
        (
            NOT_FOUND.replace("2.0", "2.0+cpu"),
            SKIPPED.format(file="some_package-2.0%2Bcpu-cp311-cp311-manylinux_2_39_x86_64.whl"),
            GlibcTooNew,
            "some_package-2.0+cpu-cp311",
        ),
        (
            NOT_FOUND,
            SOURCE.format(file="some-package-2.0.tar.gz#sha256=ab"),
            SourceOnly,
            "some-package-2.0.tar.gz is source",
        ),
        # Other versions' files say nothing about this one.
        (
            NOT_FOUND,
            SOURCE.format(file="some-package-1.9.tar.gz"),
            NotOnIndex,
            "the package index has no some-package==2.0",
        ),
        (
            RETRY.format(why="[Errno 111] Connection refused") + NOT_FOUND,
            "",
            ServiceUnreachable,
            "does not answer: [Errno 111] Connection refused; check the network",
        ),
        (
            RETRY.format(why="[Errno -3] Temporary failure in name resolution") + NOT_FOUND,
            "",
            ServiceUnreachable,
            "does not answer: [Errno -3] Temporary failure in name resolution; check",
        ),
        (
            "ERROR: Exception:\npip._vendor.urllib3.exceptions.ReadTimeoutError: "
            "HTTPSConnectionPool(host='example.org', port=443): Read timed out.\n",
            "",
            ServiceUnreachable,
            "does not answer: Read timed out; check",
        ),
        # A network that went away in the middle of the files is no missing version.
        (
            "ERROR: Could not install packages due to an OSError: HTTPSConnectionPool(host='x', "
            "port=443): Max retries exceeded with url: /a.whl",
            "",
            ServiceUnreachable,
            "the package index does not answer: no connection",
        ),
        (
            RETRY.format(why="[Errno 104] Connection reset by peer")
            + "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE. If you "
            "have updated the package versions, please update the hashes.\n"
            "    some-package==2.0 from https://example.org/a.whl:\n"
            "        Expected sha256 ab\n             Got        cd\n",
            "",
            OtherContent,
            "some-package==2.0: what the package index gave has none of the hashes",
        ),
        (
            "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on "
            "device\n",
            "",
            NoRoom,
            "no space left on the disk of --out",
        ),
        (
            "/usr/bin/python3.11: No module named pip\n",
            "",
            InstallFailed,
            "1 packages of emr-7.13.0.lock: /usr/bin/python3.11: No module named pip",
        ),
        ("", "", InstallFailed, "it said nothing"),
    ],
)
def test_what_pip_says_becomes_an_error_that_names_the_package_and_what_to_do(
    said: str, log: str, error: type[StormlakeError], told: str
) -> None:
    with pytest.raises(error) as caught:
        explain(said, log, VERSIONS, TARGET)
    assert type(caught.value) is error
    assert told in str(caught.value)


def test_only_a_silent_index_is_worth_another_try() -> None:
    codes = {
        ServiceUnreachable: ExitCode.UNREACHABLE,
        GlibcTooNew: ExitCode.REFUSED,
        NotOnIndex: ExitCode.REFUSED,
        OtherContent: ExitCode.REFUSED,
        NoRoom: ExitCode.FAILED,
        InstallFailed: ExitCode.FAILED,
    }
    assert {error: error.exit_code for error in codes} == codes
