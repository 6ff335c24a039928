"""What Ctrl-C does to who follows a job: the job is on other machines, and hears nothing of it."""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass
from typing import Final, Literal

import click

from stormlake.emr.cancelling import cancel
from stormlake.emr.refs import Ref
from stormlake.errors import ExitCode, RefusedInput, StormlakeError
from stormlake.running.aws import Aws
from stormlake.running.options import Terminated

Choice = Literal["ask", "detach", "cancel"]

QUESTION: Final = "[d]etach and let it run, [c]ancel it, [w]ait on"

on_interrupt_option = click.option(
    "--on-interrupt",
    type=click.Choice(["ask", "detach", "cancel"]),
    help="What Ctrl-C does to the job; SIGTERM never asks.  [default: ask on a terminal, else "
    "detach]",
)

logger = logging.getLogger(__name__)


class Detached(StormlakeError):
    """Somebody does not want to follow any more; the job runs on."""

    exit_code = ExitCode.INTERRUPTED


@dataclass
class Interrupts:
    """Answers Ctrl-C and SIGTERM while a job is followed.

    Parameters
    ----------
    aws : Aws
    ref : Ref
    choice : str or None
        What was asked for; None is `ask` on a terminal and `detach` elsewhere.

    Raises
    ------
    RefusedInput
        There is nobody to ask.
    """

    aws: Aws
    ref: Ref
    choice: Choice | None = None

    def __post_init__(self) -> None:
        # The question is written to stderr and answered on stdin.
        terminal = sys.stdin.isatty() and sys.stderr.isatty()
        if self.choice == "ask" and not terminal:
            raise RefusedInput(
                "--on-interrupt ask needs a terminal; give detach or cancel, or leave it out"
            )
        self.choice = self.choice or ("ask" if terminal else "detach")

    def __call__(self, interrupt: KeyboardInterrupt) -> None:
        """Do what was chosen; to return is to wait on.

        Raises
        ------
        Detached
        """
        told = ", which runs on"
        try:
            answer = self._answer(isinstance(interrupt, Terminated))
            if answer == "wait":
                return
            if answer == "cancel":
                # Twice means: let me out. What was asked of the service may have been done.
                told = " while it was being cancelled"
                self._cancel()
                return
        except (KeyboardInterrupt, click.Abort):
            pass  # and out of the handler, see `Waiting.until_ended`
        raise Detached(
            f"detached from {self.ref}{told}: stormlake emr wait {self.ref} follows it again, "
            f"stormlake emr cancel {self.ref} ends it"
        )

    def _answer(self, terminated: bool) -> str:
        if self.choice != "ask":
            return str(self.choice)
        if terminated:
            return "detach"
        click.echo(err=True)
        letter = click.prompt(
            f"{self.ref} runs. {QUESTION}",
            type=click.Choice(["d", "c", "w"]),
            show_choices=False,
            default="w",
            err=True,
        )
        return {"d": "detach", "c": "cancel", "w": "wait"}[letter]

    def _cancel(self) -> None:
        logger.info("cancelling %s", self.ref)
        try:
            cancel(self.aws, self.ref)
        except RefusedInput as ended:  # by itself, in this moment: the wait will see it
            logger.info("%s", ended)
        except StormlakeError as error:
            if self.choice != "ask":
                raise
            logger.error("%s; waiting on", error)
