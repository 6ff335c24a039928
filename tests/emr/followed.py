"""Steps and job runs as `submit` makes them, for tests of what follows them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from click.testing import Result

from stormlake.emr.refs import Ref, ServerlessRef, StepRef
from stormlake.emr.steps import Shipped, serverless_driver, spark_submit, step, step_name
from stormlake.lake.exits import RunExit, write_exit
from stormlake.lake.runs import write_record
from stormlake.lake.store import S3Store
from tests.emr.conftest import waiting_cluster
from tests.emr.submitting import invoke
from tests.fakes.emr import FakeAws
from tests.lake.test_runs import RECORD, STARTED

JOB = "ingest-radar"
KEY = "0123456789abcdef"
RUN_ID = f"{KEY}-1"
SHIPPED = Shipped("s3://b/artifacts/deps/a.tar.gz", "s3://b/artifacts/code/c.zip", "s3://b/j.py")


def lake_uri(bucket: str) -> str:
    return f"s3://{bucket}/lake"


def lake_store(fake: FakeAws, bucket: str) -> S3Store:
    return S3Store(fake.s3, bucket, "lake")


def a_step(
    fake: FakeAws, bucket: str, *more: str, log_uri: str | None = None, **cluster: Any
) -> StepRef:
    """A job of ours on a cluster of its own that logs to the bucket."""
    uri = log_uri if log_uri is not None else f"s3://{bucket}/logs"
    made = waiting_cluster(fake, **({"LogUri": uri} if uri else {}), **cluster)
    return add_step(fake, made, bucket, *more)


def add_step(fake: FakeAws, cluster: str, bucket: str, *more: str) -> StepRef:
    arguments = spark_submit("n", SHIPPED, RUN_ID, ["--lake", lake_uri(bucket), *more])
    config = step(step_name(JOB, KEY, 1), arguments)
    answer = fake.client("emr").add_job_flow_steps(JobFlowId=cluster, Steps=[config])
    fake.tick()
    return StepRef(cluster, answer["StepIds"][0])


def a_job_run(
    fake: FakeAws, bucket: str, *more: str, log_uri: str | None = "given"
) -> ServerlessRef:
    """A job of ours on an application of its own that logs to the bucket."""
    application = fake.serverless.application()
    logs = {"s3MonitoringConfiguration": {"logUri": f"s3://{bucket}/logs/"}}
    driver = serverless_driver(SHIPPED, RUN_ID, ["--lake", lake_uri(bucket), *more])
    answer = fake.client("emr-serverless").start_job_run(
        applicationId=application,
        clientToken=RUN_ID,
        executionRoleArn="arn:aws:iam::123456789012:role/job",
        name=step_name(JOB, KEY, 1),
        jobDriver=driver,
        **({"configurationOverrides": {"monitoringConfiguration": logs}} if log_uri else {}),
    )
    fake.tick()
    return ServerlessRef(application, answer["jobRunId"])


MAKERS = {"cluster": a_step, "serverless": a_job_run}
"""Both targets."""


def leave_record(fake: FakeAws, bucket: str, code: int) -> None:
    """What a run that ended with 0 or 3 leaves."""
    record = replace(RECORD, run_id=RUN_ID, ok=code == 0, exit_code=code)
    write_record(lake_store(fake, bucket), record)


def leave_exit(fake: FakeAws, bucket: str, left: RunExit) -> None:
    """What a run that ended otherwise leaves."""
    write_exit(lake_store(fake, bucket), JOB, RUN_ID, left, started=STARTED)


def emr(*arguments: object) -> Result:
    """Run `stormlake emr …` in this process."""
    return invoke("emr", *map(str, arguments))


def ref_of(text: str) -> Ref:
    """A ref for a command that contacts nobody."""
    return {
        "cluster": StepRef("j-2AXXXXXXGAPLF", "s-1XXXXXXXXXXA"),
        "serverless": ServerlessRef("00f1abcdef", "00f2abcdef"),
    }[text]
