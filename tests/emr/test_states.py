"""Which states are the last word."""

from __future__ import annotations

import pytest

from stormlake.emr import states
from stormlake.errors import ExitCode
from tests.emr.validation import enum


def test_every_state_that_the_services_know_is_placed_once() -> None:
    assert not states.STEP_FINAL & states.STEP_UNDER_WAY
    assert enum("emr", "StepState") == states.STEP_FINAL | states.STEP_UNDER_WAY
    clusters = [states.CLUSTER_ALIVE, states.CLUSTER_ENDING, states.CLUSTER_FINAL]
    assert sum(map(len, clusters)) == len(enum("emr", "ClusterState"))
    assert enum("emr", "ClusterState") == frozenset().union(*clusters)
    assert not states.JOB_RUN_FINAL & states.JOB_RUN_UNDER_WAY
    assert enum("emr-serverless", "JobRunState") == states.JOB_RUN_FINAL | states.JOB_RUN_UNDER_WAY


def test_what_is_being_cancelled_is_not_final() -> None:
    """A known defect of other clients: a run in CANCELLING is taken for ended."""
    assert "CANCELLING" not in states.FINAL
    assert "CANCEL_PENDING" not in states.FINAL
    assert "TERMINATING" not in states.CLUSTER_FINAL
    with pytest.raises(ValueError, match="CANCELLING is not final"):
        states.exit_code("CANCELLING")


def test_no_word_is_final_for_one_service_and_under_way_for_the_other() -> None:
    assert not states.FINAL & (states.STEP_UNDER_WAY | states.JOB_RUN_UNDER_WAY)


def test_a_final_state_has_an_exit_code() -> None:
    told = {state: states.exit_code(state) for state in states.FINAL}
    assert told == {
        "COMPLETED": ExitCode.DONE,
        "SUCCESS": ExitCode.DONE,
        "FAILED": ExitCode.FAILED,
        "INTERRUPTED": ExitCode.FAILED,
        "CANCELLED": ExitCode.CANCELLED,
    }
