"""A submission that takes its place and its roles from a deployed stack."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from stormlake.emr.cluster_file import stack_outputs
from stormlake.emr.targets import RunningCluster, Serverless, TransientCluster
from stormlake.errors import RefusedInput
from stormlake.running.aws import ApiCall, Aws, CallFailed
from tests.emr.submitting import ROLE, plan
from tests.emr.test_clusters import OUTPUTS

SERVERLESS_ROLE = "arn:aws:iam::123456789012:role/serverless"


class OneStack(Aws):
    """CloudFormation with one stack, `stormlake`; nothing else can be asked."""

    def __init__(self, outputs: Mapping[str, str], status: str = "CREATE_COMPLETE") -> None:
        super().__init__(session=None)
        self.outputs = outputs
        self.status = status
        self.calls: list[ApiCall] = []

    def make(self, call: ApiCall, *, once: bool = False) -> dict[str, Any]:
        self.calls.append(call)
        assert call.operation == "DescribeStacks"
        if call.parameters["StackName"] != "stormlake":
            raise CallFailed(call, "ValidationError", "Stack with id other does not exist")
        listed = [{"OutputKey": k, "OutputValue": v} for k, v in self.outputs.items()]
        stack = {"StackId": "arn", "StackStatus": self.status, "Outputs": listed}
        return {"Stacks": [stack]}


def test_a_transient_cluster_comes_from_the_stack_alone() -> None:
    one = plan(OneStack(OUTPUTS), "bucket", transient=True, stack="stormlake")
    assert isinstance(one.place, TransientCluster)
    assert one.place.spec.subnets == ("subnet-1", "subnet-2")
    assert one.place.spec.step_role == OUTPUTS["StepRole"]
    assert one.place.spec.log_uri == "s3://bucket/logs/"


def test_a_step_has_the_stacks_role_unless_another_is_named() -> None:
    aws = OneStack(OUTPUTS)
    given = {"cluster_id": "j-1", "stack": "stormlake"}
    assert plan(aws, "bucket", **given).place == RunningCluster("j-1", OUTPUTS["StepRole"])
    assert plan(aws, "bucket", **given, execution_role=ROLE).place == RunningCluster("j-1", ROLE)


def test_a_job_run_has_the_stacks_role_and_leaves_its_logs_by_the_artifacts() -> None:
    aws = OneStack({"Bucket": "bucket", "ServerlessRole": SERVERLESS_ROLE})
    one = plan(aws, "bucket", serverless="00f1", stack="stormlake")
    assert one.place == Serverless("00f1", SERVERLESS_ROLE, "s3://bucket/logs/")


def test_a_stack_that_is_not_there_or_has_no_outputs_is_refused() -> None:
    with pytest.raises(RefusedInput, match="--stack other: there is none; stormlake emr deploy"):
        stack_outputs(OneStack(OUTPUTS), "other")
    with pytest.raises(RefusedInput, match="is REVIEW_IN_PROGRESS and has no outputs"):
        stack_outputs(OneStack({}, "REVIEW_IN_PROGRESS"), "stormlake")


def test_a_stack_of_another_mode_is_refused_with_what_it_lacks() -> None:
    aws = OneStack({"Bucket": "bucket", "LogUri": "s3://bucket/logs/", "Release": "emr-7.13.0"})
    with pytest.raises(RefusedInput, match=r"stack's outputs: subnets is missing"):
        plan(aws, "bucket", transient=True, stack="stormlake")
    with pytest.raises(RefusedInput, match="--serverless needs --execution-role"):
        plan(aws, "bucket", serverless="00f1", stack="stormlake")


def test_a_dry_run_asks_nobody() -> None:
    aws = OneStack(OUTPUTS)
    one = plan(aws, "bucket", transient=True, stack="stormlake", shown=True)
    assert aws.calls == []
    assert one.calls()[0] == ApiCall("cloudformation", "DescribeStacks", {"StackName": "stormlake"})
