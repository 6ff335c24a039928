"""Whatever clients and time do, the stand-in's clusters and steps keep to EMR's states."""

from __future__ import annotations

import threading
from typing import Any

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.emr.conftest import cluster_request
from tests.fakes.emr import Clock, Script, ScriptedRunner, Timing
from tests.fakes.emr.logs import LogStore
from tests.fakes.emr.service import EmrService
from tests.fakes.validation import Refusal

NEXT_STEP = {
    "PENDING": {"RUNNING", "CANCELLED"},
    "RUNNING": {"COMPLETED", "FAILED", "INTERRUPTED", "CANCEL_PENDING", "CANCELLED"},
    "CANCEL_PENDING": {"CANCELLED", "COMPLETED", "INTERRUPTED"},
}
"""What a look may find after a look; a step may have passed through states between."""

NEXT_CLUSTER = {
    "STARTING": {"BOOTSTRAPPING", "TERMINATING"},
    "BOOTSTRAPPING": {"RUNNING", "WAITING", "TERMINATING"},
    "RUNNING": {"WAITING", "TERMINATING"},
    "WAITING": {"RUNNING", "TERMINATING"},
    "TERMINATING": {"TERMINATED", "TERMINATED_WITH_ERRORS"},
}


class OneCluster(RuleBasedStateMachine):
    """A cluster under random calls and jumps of the clock."""

    @initialize(
        concurrency=st.integers(1, 2),
        # What ends a cluster is rare here: nothing more happens to it.
        keep=st.sampled_from([True, True, True, False]),
        idle=st.sampled_from([None, None, 60]),
        starting=st.sampled_from([0.0, 30.0]),
    )
    def make(self, concurrency: int, keep: bool, idle: int | None, starting: float) -> None:
        self.clock = Clock(1_000_000.0, rate=0)
        self.runner = ScriptedRunner()
        self.emr = EmrService(self.clock, self.runner, LogStore(None))
        self.emr.timing = Timing(starting, starting, 20.0, 0.5)
        self.concurrency = concurrency
        changes: dict[str, Any] = (
            {} if idle is None else {"AutoTerminationPolicy": {"IdleTimeout": idle}}
        )
        request = cluster_request(
            StepConcurrencyLevel=concurrency,
            Instances={"KeepJobFlowAliveWhenNoSteps": keep},
            Steps=[self.step("CONTINUE")],
            **changes,
        )
        self.cluster: str = self.emr.call("RunJobFlow", request)["JobFlowId"]
        self.seen: dict[str, str] = {}
        self.cluster_seen = "STARTING"

    @staticmethod
    def step(action: str) -> dict[str, Any]:
        jar = {"Jar": "command-runner.jar", "Args": ["spark-submit", "job.py"]}
        return {"Name": "one", "ActionOnFailure": action, "HadoopJarStep": jar}

    def look(self) -> tuple[str, list[dict[str, Any]]]:
        self.emr.tick()
        one = {"ClusterId": self.cluster}
        status = self.emr.call("DescribeCluster", one)["Cluster"]["Status"]
        return status["State"], self.emr.call("ListSteps", one)["Steps"]

    @rule(
        action=st.sampled_from(["CONTINUE"] * 3 + ["CANCEL_AND_WAIT", "TERMINATE_CLUSTER"]),
        exit_code=st.sampled_from([0, 0, 1]),
        seconds=st.sampled_from([0.0, 5.0, 100.0]),
        heeds=st.booleans(),
        stays=st.booleans(),
        count=st.integers(1, 3),
    )
    def add(
        self, action: str, exit_code: int, seconds: float, heeds: bool, stays: bool, count: int
    ) -> None:
        state, _ = self.look()
        allowed = self.concurrency == 1 or action == "CONTINUE"
        ending = state.startswith("TERMINAT")
        request = {"JobFlowId": self.cluster, "Steps": [self.step(action)] * count}
        try:
            self.emr.call("AddJobFlowSteps", request)
        except Refusal:
            assert ending or not allowed
            return
        assert allowed and not ending
        for _ in range(count):
            self.runner.expect(
                Script(
                    exit_code=exit_code,
                    seconds=seconds,
                    until=threading.Event() if stays else None,
                    interrupt_seconds=3.0 if heeds else float("inf"),
                )
            )

    @rule(seconds=st.sampled_from([0.5, 1.0, 7.0, 50.0]))
    def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @precondition(lambda self: len(self.seen) > 0)
    @rule(index=st.integers(0, 100), kill=st.booleans())
    def cancel(self, index: int, kill: bool) -> None:
        _, steps = self.look()
        chosen = steps[index % len(steps)]
        option = "TERMINATE_PROCESS" if kill else "SEND_INTERRUPT"
        (info,) = self.emr.call(
            "CancelSteps",
            {
                "ClusterId": self.cluster,
                "StepIds": [chosen["Id"]],
                "StepCancellationOption": option,
            },
        )["CancelStepsInfoList"]
        over = chosen["Status"]["State"] not in NEXT_STEP
        assert info["Status"] == ("FAILED" if over else "SUBMITTED")

    @precondition(lambda self: len(self.seen) > 6)
    @rule()
    def terminate(self) -> None:
        self.emr.call("TerminateJobFlows", {"JobFlowIds": [self.cluster]})

    @invariant()
    def rules_hold(self) -> None:
        state, steps = self.look()
        self._changed(NEXT_CLUSTER, self.cluster_seen, state)
        self.cluster_seen = state
        active = 0
        for step in steps:
            now, times = step["Status"]["State"], step["Status"]["Timeline"]
            self._changed(NEXT_STEP, self.seen.get(step["Id"], "PENDING"), now)
            self.seen[step["Id"]] = now
            active += now in ("RUNNING", "CANCEL_PENDING")
            assert ("EndDateTime" in times) == (now not in NEXT_STEP)
            order = [
                times[n] for n in ("CreationDateTime", "StartDateTime", "EndDateTime") if n in times
            ]
            assert order == sorted(order) and order[-1] <= self.clock.now()
        assert active <= self.concurrency
        unfinished = any(step["Status"]["State"] in NEXT_STEP for step in steps)
        if state in ("RUNNING", "WAITING"):
            assert (state == "RUNNING") == unfinished
        if state.startswith("TERMINAT"):
            assert not unfinished

    def _changed(self, allowed: dict[str, set[str]], before: str, after: str) -> None:
        """Fail unless `after` can be reached from `before`, through any states between."""
        reached, new = {before}, {before}
        while new:
            new = {one for state in new for one in allowed.get(state, ())} - reached
            reached |= new
        assert after in reached, (before, after)


TestOneCluster = OneCluster.TestCase
TestOneCluster.settings = settings(max_examples=100, stateful_step_count=20, deadline=None)
