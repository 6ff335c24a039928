"""A deployed stack for the tests of commands that take `--stack`: moto's, with our outputs.

moto's CloudFormation cannot make the template's resources, so the outputs are worked out as
`tests/emr/cloudformation.py` does, and what the commands then call is made beside it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from tests.emr.cloudformation import read_template, stack
from tests.emr.test_template import NEEDED, ROOT, TEMPLATE
from tests.fakes.emr import FakeAws

DEFINITION = json.loads((ROOT / "emr" / "daily.asl.json").read_text(encoding="utf-8"))
ROLES = "arn:aws:iam::123456789012:role/"


@dataclass(frozen=True)
class Deployed:
    """A stack that is there, and its outputs."""

    name: str
    outputs: dict[str, str]


def deploy(fake: FakeAws, bucket: str, mode: str = "transient", **parameters: str) -> Deployed:
    """Let a stack be there, named as the bucket, which is its own."""
    made = stack(read_template(TEMPLATE), Mode=mode, **{**NEEDED, **parameters})
    outputs = {name: value.replace("<Bucket>", bucket) for name, value in made.outputs.items()}
    for name in ("ServiceRole", "InstanceProfile", "StepRole", "SchedulerRole", "ServerlessRole"):
        if name in outputs:
            outputs[name] = f"{ROLES}{name}"
    if "StateMachine" in outputs:
        fake.client("scheduler").create_schedule_group(Name=bucket)
        machine = fake.client("stepfunctions").create_state_machine(
            name=bucket, definition=json.dumps(DEFINITION), roleArn=f"{ROLES}machine"
        )
        outputs |= {"ScheduleGroup": bucket, "StateMachine": machine["stateMachineArn"]}
        outputs["DeadLetterQueue"] = f"arn:aws:sqs:us-east-1:123456789012:{bucket}"
    template: dict[str, Any] = {
        "Resources": {"Queue": {"Type": "AWS::SQS::Queue"}},
        "Outputs": {name: {"Value": value} for name, value in outputs.items()},
    }
    fake.client("cloudformation").create_stack(StackName=bucket, TemplateBody=json.dumps(template))
    return Deployed(bucket, outputs)
