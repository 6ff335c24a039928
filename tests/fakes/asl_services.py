"""The services that `emr/daily.asl.json` calls, as Step Functions calls them, for `asl.Machine`.

Sources: AWS Step Functions Developer Guide, "Create and manage Amazon EMR clusters with Step
Functions" (what createCluster.sync and its sisters take and wait for). The names of refusals do not
stand there and are as others have seen them: EMR's, throttling among them,
EMR.AmazonElasticMapReduceException; S3's, also of a 412, S3.S3Exception.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tests.fakes.asl import Integration, Json, StateError


class Integrations(dict[str, Integration]):
    """The services that a state machine of ours calls.

    Parameters
    ----------
    session : boto3 session
    endpoint_url : str
        Of the stand-in for AWS.
    clock, sleep : callable
        Seconds that only grow; wait that many, between two looks.
    poll : float
        Seconds between two looks; Step Functions makes it 60, after ten minutes 300.
    """

    def __init__(
        self,
        session: Any,
        endpoint_url: str,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], object] = time.sleep,
        poll: float = 60.0,
    ) -> None:
        super().__init__(
            {
                "aws-sdk:s3:putObject": self._put_object,
                "aws-sdk:s3:getObject": self._get_object,
                "elasticmapreduce:createCluster.sync": self._create_cluster,
                "elasticmapreduce:addStep.sync": self._add_step,
                "elasticmapreduce:terminateCluster": self._terminate,
            }
        )
        once = Config(retries={"total_max_attempts": 1})
        self.s3 = session.client("s3", endpoint_url=endpoint_url, config=once)
        self.emr = session.client("emr", endpoint_url=endpoint_url, config=once)
        self.clock = clock
        self.sleep = sleep
        self.poll = poll

    def _put_object(self, asked: dict[str, Any], timeout: float | None) -> Json:
        body = json.dumps(asked.pop("Body")).encode()
        return _call(self.s3.put_object, "S3", Body=body, **asked)

    def _get_object(self, asked: dict[str, Any], timeout: float | None) -> Json:
        answer = _call(self.s3.get_object, "S3", **asked)
        return {"Body": answer["Body"].read().decode()}

    def _create_cluster(self, asked: dict[str, Any], timeout: float | None) -> Json:
        assert "Steps" not in asked
        assert asked["Instances"]["KeepJobFlowAliveWhenNoSteps"] is True
        cluster = _call(self.emr.run_job_flow, "EMR", **asked)["JobFlowId"]

        def look() -> tuple[str, Json]:
            found = self.emr.describe_cluster(ClusterId=cluster)["Cluster"]
            return found["Status"]["State"], found

        ends = ("WAITING", "TERMINATED", "TERMINATED_WITH_ERRORS")
        self._until(look, ends, "WAITING", timeout)
        return {"ClusterId": cluster}

    def _add_step(self, asked: dict[str, Any], timeout: float | None) -> Json:
        cluster, step = asked.pop("ClusterId"), asked.pop("Step")
        added = _call(self.emr.add_job_flow_steps, "EMR", JobFlowId=cluster, Steps=[step], **asked)
        (one,) = added["StepIds"]

        def look() -> tuple[str, Json]:
            found = self.emr.describe_step(ClusterId=cluster, StepId=one)["Step"]
            return found["Status"]["State"], found

        ends = ("COMPLETED", "CANCELLED", "FAILED", "INTERRUPTED")
        self._until(look, ends, "COMPLETED", timeout)
        return {"StepId": one}

    def _terminate(self, asked: dict[str, Any], timeout: float | None) -> Json:
        assert asked.keys() == {"ClusterId"}
        _call(self.emr.terminate_job_flows, "EMR", JobFlowIds=[asked["ClusterId"]])
        return {}

    def _until(
        self,
        look: Callable[[], tuple[str, Json]],
        ends: tuple[str, ...],
        good: str,
        timeout: float | None,
    ) -> None:
        """Wait for one of the last states; another than the good one fails the task."""
        began = self.clock()
        while True:
            state, found = look()
            if state in ends:
                break
            if timeout is not None and self.clock() - began >= timeout:
                raise StateError("States.Timeout", "")
            self.sleep(self.poll)
        if state != good:
            raise StateError("States.TaskFailed", json.dumps(found, default=str))


def _call(method: Callable[..., Json], service: str, **parameters: Any) -> Json:
    """Make a call; its refusal has the name that Step Functions gives it."""
    try:
        return method(**parameters)
    except ClientError as error:
        told, sent = error.response["Error"], error.response["ResponseMetadata"]
        names = {"EMR": "EMR.AmazonElasticMapReduceException", "S3": "S3.S3Exception"}
        name = "S3.NoSuchKeyException" if told["Code"] == "NoSuchKey" else names[service]
        raise StateError(
            name,
            f"{told['Message']} (Service: {service}, Status Code: {sent['HTTPStatusCode']}, "
            f"Error Code: {told['Code']})",
        ) from error
    except BotoCoreError as error:
        raise StateError(f"{service}.SdkClientException", str(error)) from error
