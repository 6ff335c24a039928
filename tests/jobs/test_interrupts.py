"""An interrupt stays one, whatever fails while it is on its way out."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from stormlake.errors import ExitCode
from stormlake.running.options import StormlakeCommand, Terminated


@pytest.mark.parametrize("failure", [RuntimeError("Answer from Java side is empty"), OSError(104)])
@pytest.mark.parametrize(
    ("interrupt", "code", "said"),
    [
        (Terminated, ExitCode.CANCELLED, "stormlake: terminated; run it again"),
        (KeyboardInterrupt, ExitCode.INTERRUPTED, "stormlake: interrupted; run it again"),
    ],
)
def test_an_interrupt_that_another_error_hides_is_told_and_gives_its_own_code(
    interrupt: type[KeyboardInterrupt], code: ExitCode, said: str, failure: Exception
) -> None:
    @click.command("cut-off", cls=StormlakeCommand)
    def cut_off() -> None:
        try:
            raise interrupt
        finally:
            # As PySpark's clean-up does when the JVM does not answer any more.
            raise failure

    done = CliRunner().invoke(cut_off, [])

    assert done.exit_code == code
    assert done.stderr.startswith(said)


def test_an_error_without_an_interrupt_is_told_as_what_it_is() -> None:
    @click.command("fails", cls=StormlakeCommand)
    def fails() -> None:
        try:
            raise ValueError("first")
        except ValueError:
            raise RuntimeError("second") from None

    done = CliRunner().invoke(fails, [])

    assert done.exit_code == ExitCode.FAILED
    assert "unexpected RuntimeError: second" in done.stderr
