"""EMR's operations in the stand-in: what `ElasticMapReduce.<Operation>` does and answers.

Source: Amazon EMR API Reference, one page for each operation. Texts of errors that the reference
does not give are worded here; the tests of a client should not depend on them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tests.fakes.emr.clock import Clock
from tests.fakes.emr.documents import (
    Document,
    cluster_arn,
    cluster_document,
    step_document,
    summary,
)
from tests.fakes.emr.ids import emr_id
from tests.fakes.emr.instances import provision
from tests.fakes.emr.limits import check_idle_timeout, check_steps, invalid, page
from tests.fakes.emr.logs import LogStore
from tests.fakes.emr.machine import ENDING, Cluster
from tests.fakes.emr.runners import Runner
from tests.fakes.emr.steps import Loss, Step, Timing
from tests.fakes.validation import Refusal, check_answer, check_request, service_model


class EmrService:
    """The stand-in for Amazon EMR.

    Parameters
    ----------
    clusters : dict of str to Cluster
        By id, in order of creation.
    timing : Timing
        For clusters made from now on.
    next_loss : Loss or None
        Befalls the cluster that is made next, and that one alone.
    page_size : int
        Elements of each page of the List operations.
    drivers_outlive_cancel : bool
        Whether a driver in cluster mode goes on when its step is cancelled, as on EMR, until a
        step `yarn application -kill APPLICATION` ends it; for clusters made from now on.
    """

    def __init__(self, clock: Clock, runner: Runner, logs: LogStore) -> None:
        self._clock = clock
        self._runner = runner
        self._logs = logs
        self._model = service_model("emr")
        self.clusters: dict[str, Cluster] = {}
        self.timing = Timing()
        self.next_loss: Loss | None = None
        self.page_size = 50
        self.drivers_outlive_cancel = False

    # for the server

    def call(self, name: str, parameters: Mapping[str, Any]) -> Document:
        """Check a request, carry it out, check the answer.

        Raises
        ------
        Refusal
        """
        method = getattr(self, f"_{_snake(name)}", None)
        if method is None or name not in self._model.operation_names:
            raise Refusal("UnknownOperationException", f"the stand-in does not know {name}")
        operation = self._model.operation_model(name)
        check_request(operation, parameters)
        answer: Document = method(parameters) or {}
        check_answer(operation, answer)
        return answer

    def tick(self) -> None:
        """Let happen all that is due, in the order of time, then deliver logs."""
        now = self._clock.now()
        for cluster in self.clusters.values():
            last = cluster.since
            while events := sorted(cluster.events(now), key=lambda event: event[0]):
                due, happen = events[0]
                if due > now:
                    break
                last = max(last, due)
                happen(last)
            cluster.deliver_logs(now)

    def lose(self, cluster_id: str, loss: Loss) -> None:
        """Lose a cluster `loss.seconds` after now."""
        cluster = self.clusters[cluster_id]
        after = self._clock.now() - cluster.created + loss.seconds
        cluster.loss = Loss(loss.code, loss.message, after, loss.leaves_pending)

    # operations

    def _run_job_flow(self, request: Mapping[str, Any]) -> Document:
        instances = request["Instances"]
        forms = [
            key
            for key in ("InstanceFleets", "InstanceGroups", "MasterInstanceType")
            if key in instances
        ]
        if len(forms) != 1:
            raise Refusal(
                "ValidationException",
                "Instances must have either InstanceFleets, InstanceGroups or MasterInstanceType",
            )
        label = request.get("ReleaseLabel", "")
        if re.fullmatch(r"emr(-spark)?-\d+\.\d+\.\d+", label) is None:
            raise Refusal("ValidationException", f"The supplied release label is invalid: {label}.")
        check_idle_timeout(request.get("AutoTerminationPolicy"))
        now = self._clock.now()
        cluster = Cluster(
            id=emr_id("j-"),
            request=request,
            created=now,
            timing=Timing(**vars(self.timing)),
            runner=self._runner,
            logs=self._logs,
            fleets=list(provision(instances, now)),
            loss=self.next_loss,
            scaling=request.get("ManagedScalingPolicy"),
            auto_termination=request.get("AutoTerminationPolicy"),
            drivers_outlive_cancel=self.drivers_outlive_cancel,
        )
        steps = request.get("Steps", [])
        check_steps(cluster, steps)
        self.next_loss = None
        self.clusters[cluster.id] = cluster
        self._add(cluster, steps, request.get("StepExecutionRoleArn"))
        return {"JobFlowId": cluster.id, "ClusterArn": cluster_arn(cluster)}

    def _add_job_flow_steps(self, request: Mapping[str, Any]) -> Document:
        cluster = self.clusters.get(request["JobFlowId"])
        if cluster is None:
            raise Refusal("ValidationException", "Specified job flow ID does not exist.")
        if cluster.state in ENDING:
            raise Refusal(
                "ValidationException",
                "A job flow that is shutting down, terminated, or finished may not be modified.",
            )
        check_steps(cluster, request["Steps"])
        return {"StepIds": self._add(cluster, request["Steps"], request.get("ExecutionRoleArn"))}

    def _add(
        self, cluster: Cluster, configs: Iterable[Mapping[str, Any]], role: str | None
    ) -> list[str]:
        steps = [Step(emr_id("s-"), config, self._clock.now(), role) for config in configs]
        for step in steps:
            cluster.add_step(step)
        return [step.id for step in steps]

    def _describe_cluster(self, request: Mapping[str, Any]) -> Document:
        return {"Cluster": cluster_document(self._cluster(request))}

    def _list_clusters(self, request: Mapping[str, Any]) -> Document:
        after = _seconds(request.get("CreatedAfter"), 0.0)
        before = _seconds(request.get("CreatedBefore"), float("inf"))
        states = request.get("ClusterStates")
        chosen = [
            summary(cluster)
            for cluster in reversed(self.clusters.values())
            if after <= cluster.created <= before and (not states or cluster.state in states)
        ]
        return self._page("Clusters", chosen, request)

    def _describe_step(self, request: Mapping[str, Any]) -> Document:
        cluster = self._cluster(request)
        for step in cluster.steps:
            if step.id == request["StepId"]:
                role = {} if step.role is None else {"ExecutionRoleArn": step.role}
                return {"Step": step_document(step) | role}
        raise invalid(f"Step id '{request['StepId']}' is not valid.")

    def _list_steps(self, request: Mapping[str, Any]) -> Document:
        cluster = self._cluster(request)
        ids, states = request.get("StepIds"), request.get("StepStates")
        if ids is not None:
            if len(ids) > 10:
                raise invalid("A maximum of 10 step ids may be given.")
            by_id = {step.id: step for step in cluster.steps}
            if unknown := [one for one in ids if one not in by_id]:
                raise invalid(f"Step id '{unknown[0]}' is not valid.")
            steps = [by_id[one] for one in ids]
        else:
            steps = cluster.steps if states else cluster.steps[::-1]
        chosen = [step_document(step) for step in steps if not states or step.state in states]
        return self._page("Steps", chosen, request)

    def _cancel_steps(self, request: Mapping[str, Any]) -> Document:
        cluster = self._cluster(request)
        kill = request.get("StepCancellationOption") == "TERMINATE_PROCESS"
        by_id = {step.id: step for step in cluster.steps}
        infos = []
        for one in request["StepIds"]:
            status, reason = "FAILED", f"Step id '{one}' is not valid."
            if one in by_id:
                status, said = cluster.cancel(by_id[one], self._clock.now(), kill=kill)
                reason = said or ""
            info = {"StepId": one, "Status": status}
            infos.append(info | ({"Reason": reason} if reason else {}))
        return {"CancelStepsInfoList": infos}

    def _terminate_job_flows(self, request: Mapping[str, Any]) -> None:
        ids = request["JobFlowIds"]
        if len(ids) > 10 or any(one not in self.clusters for one in ids):
            raise Refusal("ValidationException", "Specified job flow ID does not exist.")
        chosen = [self.clusters[one] for one in ids]
        if any(one.request["Instances"].get("TerminationProtected") for one in chosen):
            raise Refusal(
                "ValidationException",
                "Could not shut down one or more job flows since they are termination protected.",
            )
        for cluster in chosen:
            if cluster.state not in ENDING:
                cluster.terminate(self._clock.now(), "USER_REQUEST", "Terminated by user request")

    def _list_instances(self, request: Mapping[str, Any]) -> Document:
        cluster = self._cluster(request)
        states = request.get("InstanceStates")
        role, owner = request.get("InstanceFleetType"), request.get("InstanceFleetId")
        roles = request.get("InstanceGroupTypes", [role] if role else [])
        owner = owner or request.get("InstanceGroupId")
        chosen = [
            instance.document(fleet)
            for fleet in cluster.fleets
            if (not roles or fleet.role in roles) and owner in (None, fleet.id)
            for instance in fleet.instances
            if not states or instance.state in states
        ]
        return self._page("Instances", chosen, request)

    def _list_instance_fleets(self, request: Mapping[str, Any]) -> Document:
        cluster = self._cluster(request)
        if "InstanceFleets" not in cluster.request["Instances"]:
            raise invalid("Instance fleets and instance groups are mutually exclusive.")
        return self._page("InstanceFleets", [f.document() for f in cluster.fleets], request)

    def _put_managed_scaling_policy(self, request: Mapping[str, Any]) -> None:
        self._cluster(request).scaling = request["ManagedScalingPolicy"]

    def _get_managed_scaling_policy(self, request: Mapping[str, Any]) -> Document:
        policy = self._cluster(request).scaling
        return {} if policy is None else {"ManagedScalingPolicy": policy}

    def _put_auto_termination_policy(self, request: Mapping[str, Any]) -> None:
        policy = request.get("AutoTerminationPolicy")
        check_idle_timeout(policy)
        self._cluster(request).auto_termination = policy

    def _get_auto_termination_policy(self, request: Mapping[str, Any]) -> Document:
        policy = self._cluster(request).auto_termination
        return {} if policy is None else {"AutoTerminationPolicy": policy}

    def _cluster(self, request: Mapping[str, Any]) -> Cluster:
        cluster = self.clusters.get(request["ClusterId"])
        if cluster is None:
            raise invalid(f"Cluster id '{request['ClusterId']}' is not valid.")
        return cluster

    def _page(self, name: str, all_: Sequence[Document], request: Mapping[str, Any]) -> Document:
        return page(name, "Marker", all_, request, self.page_size)


def _snake(operation: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", operation).lower()


def _seconds(value: Any, default: float) -> float:
    return default if value is None else float(value)
