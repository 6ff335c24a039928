"""`stormlake emr deploy`, against botocore's Stubber: moto's CloudFormation lacks our resources."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from cfnlint.api import lint
from click.testing import CliRunner, Result

from stormlake.cli import main
from stormlake.emr.deploy_command import change_table
from stormlake.emr.deployment import Declined, Deployed, DeployFailed, Deployment
from stormlake.emr.stacks import Change, ChangeSet, Event
from stormlake.emr.template import template_body, template_parameters
from stormlake.errors import ExitCode, RefusedInput
from stormlake.running.aws import Aws
from tests.emr.cloudformation import read_template, stack
from tests.emr.golden import check_golden
from tests.emr.test_template import NEEDED, ROOT, TEMPLATE

ID = "arn:aws:cloudformation:eu-west-1:123456789012:stack/lake/0e1f"
GIVEN = dict(NEEDED)
NO_STACK = ("describe_stacks", "ValidationError", "Stack with id lake does not exist")
Step = tuple[str, dict[str, Any]] | tuple[str, str, str]


def described(status: str, **more: Any) -> Step:
    found = {
        "StackId": ID,
        "StackName": "lake",
        "StackStatus": status,
        "CreationTime": datetime(2026, 5, 1, tzinfo=UTC),
        **more,
    }
    return "describe_stacks", {"Stacks": [found]}


def change_set(status: str, reason: str = "", changes: Sequence[str] = (), **more: Any) -> Step:
    found = [
        {
            "Type": "Resource",
            "ResourceChange": {
                "Action": "Add",
                "LogicalResourceId": name,
                "ResourceType": "AWS::S3::Bucket",
            },
        }
        for name in changes
    ]
    return "describe_change_set", {
        "Status": status,
        "StatusReason": reason,
        "Changes": found,
        **more,
    }


def event(number: int, name: str, status: str, reason: str = "") -> dict[str, Any]:
    of_stack = name == "lake"
    return {
        "StackId": ID,
        "StackName": "lake",
        "EventId": f"event-{number}",
        "LogicalResourceId": name,
        "PhysicalResourceId": ID if of_stack else name,
        "ResourceType": "AWS::CloudFormation::Stack" if of_stack else "AWS::S3::Bucket",
        "Timestamp": datetime(2026, 5, 1, 3, 0, tzinfo=UTC) + timedelta(seconds=number),
        "ResourceStatus": status,
        "ResourceStatusReason": reason,
    }


def events(*newest_first: dict[str, Any], **more: Any) -> Step:
    return "describe_stack_events", {"StackEvents": list(newest_first), **more}


MADE: Step = ("create_change_set", {"Id": "change-set", "StackId": ID})
EXECUTED: Step = ("execute_change_set", {})
REMOVED: Step = ("delete_change_set", {})
DELETED: Step = ("delete_stack", {})
ALL_REMOVED = [
    REMOVED,
    described("REVIEW_IN_PROGRESS"),
    ("list_change_sets", {"Summaries": []}),
    DELETED,
]
"""The change set, and the stack that was made for it."""
CREATED = [
    EXECUTED,
    events(event(2, "lake", "CREATE_COMPLETE"), event(1, "lake", "REVIEW_IN_PROGRESS")),
    described("CREATE_COMPLETE", Outputs=[{"OutputKey": "Bucket", "OutputValue": "lake-1"}]),
]
BEFORE = events(event(1, "lake", "REVIEW_IN_PROGRESS"))


class Script:
    """A CloudFormation that gives these answers in this order, and notes what it was asked."""

    def __init__(self, steps: Sequence[Step]) -> None:
        session = boto3.session.Session(
            aws_access_key_id="testing", aws_secret_access_key="testing", region_name="eu-west-1"
        )
        self.aws = Aws(session)
        client = self.aws.client("cloudformation")
        self.stubber = Stubber(client)
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.slept: list[float] = []
        self.told: list[Event] = []
        client.meta.events.register_first("before-parameter-build", self._note)
        for step in steps:
            if isinstance(step[1], str):
                method, code, message = step  # type: ignore[misc]
                status = 400 if code != "Throttling" else 503
                # Not retried by botocore: the stub stands behind its retries.
                self.stubber.add_client_error(method, code, message, status)
            else:
                self.stubber.add_response(step[0], step[1])

    def _note(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        self.asked.append((model.name, dict(params)))

    def of(self, operation: str) -> dict[str, Any]:
        """Parameters of the only call of an operation."""
        (found,) = (parameters for name, parameters in self.asked if name == operation)
        return found

    def deploy(
        self,
        given: dict[str, str] = GIVEN,
        ask: Callable[[ChangeSet], bool] = lambda made: True,
        **more: Any,
    ) -> Deployed:
        with self.stubber:
            done = Deployment(
                self.aws,
                "lake",
                template_body(),
                given,
                ask=ask,
                tell=self.told.append,
                sleep=self.slept.append,
                **more,
            ).run()
            self.stubber.assert_no_pending_responses()
        return done

    def fails(self, kind: type[BaseException], match: str | None = None, **more: Any) -> None:
        """Deploy, which must fail so, after all that was to be asked."""
        with pytest.raises(kind, match=match):
            self.deploy(**more)
        self.stubber.assert_no_pending_responses()


def test_a_new_stack_is_made_from_the_template_and_its_outputs_are_given() -> None:
    script = Script(
        [NO_STACK, MADE, change_set("CREATE_COMPLETE", changes=["Bucket"]), BEFORE, *CREATED]
    )
    done = script.deploy()
    assert done == Deployed("lake", "CREATE_COMPLETE", 1, {"Bucket": "lake-1"})
    asked = script.of("CreateChangeSet")
    assert asked["ChangeSetType"] == "CREATE"
    assert asked["Capabilities"] == ["CAPABILITY_IAM"]
    assert asked["TemplateBody"] == template_body()
    assert {each["ParameterKey"]: each["ParameterValue"] for each in asked["Parameters"]} == GIVEN
    assert script.of("ExecuteChangeSet")["ChangeSetName"] == asked["ChangeSetName"]
    assert [each.status for each in script.told] == ["CREATE_COMPLETE"]


def test_a_stack_keeps_the_values_that_are_not_given_anew() -> None:
    kept = [{"ParameterKey": name, "ParameterValue": "x"} for name in (*GIVEN, "Mode", "Gone")]
    script = Script(
        [
            described("UPDATE_COMPLETE", Parameters=kept),
            MADE,
            change_set("CREATE_COMPLETE"),
            events(event(1, "lake", "UPDATE_COMPLETE")),
            EXECUTED,
            events(event(2, "lake", "UPDATE_COMPLETE"), event(1, "lake", "UPDATE_COMPLETE")),
            described("UPDATE_COMPLETE"),
        ]
    )
    script.deploy(given={"Mode": "serverless"})
    asked = script.of("CreateChangeSet")
    assert asked["ChangeSetType"] == "UPDATE"
    assert asked["Parameters"] == [
        {"ParameterKey": "Mode", "ParameterValue": "serverless"},
        {"ParameterKey": "Subnets", "UsePreviousValue": True},
        {"ParameterKey": "KmsKeyArn", "UsePreviousValue": True},
    ]


@pytest.mark.parametrize(
    "reason",
    [
        "The submitted information didn't contain changes. Submit different information.",
        "No updates are to be performed.",
    ],
)
def test_nothing_to_change_is_success_and_leaves_no_change_set(reason: str) -> None:
    kept = [{"ParameterKey": name, "ParameterValue": "x"} for name in GIVEN]
    script = Script(
        [
            described("CREATE_COMPLETE", Parameters=kept),
            MADE,
            change_set("FAILED", reason),
            REMOVED,
            described("CREATE_COMPLETE", Outputs=[{"OutputKey": "Bucket", "OutputValue": "b"}]),
        ]
    )
    assert script.deploy() == Deployed("lake", "CREATE_COMPLETE", 0, {"Bucket": "b"})


def test_a_change_set_that_fails_for_another_reason_fails_and_is_removed() -> None:
    script = Script(
        [
            NO_STACK,
            MADE,
            change_set("FAILED", "Parameter KmsKeyArn is the ARN of a key"),
            *ALL_REMOVED,
        ]
    )
    script.fails(DeployFailed, "Parameter KmsKeyArn is the ARN of a key")
    assert script.of("DeleteStack")["StackName"] == ID


def test_changes_that_are_not_wanted_leave_nothing_behind() -> None:
    script = Script(
        [
            NO_STACK,
            MADE,
            change_set("CREATE_COMPLETE", changes=["Bucket"]),
            *ALL_REMOVED,
        ]
    )
    script.fails(Declined, "nothing was changed in lake", ask=lambda made: False)
    assert "ExecuteChangeSet" not in [name for name, _ in script.asked]


def test_a_stack_that_others_have_change_sets_of_stays() -> None:
    others = [{"ChangeSetName": "stormlake-old"}, {"ChangeSetName": "by-hand"}]
    script = Script(
        [
            described("REVIEW_IN_PROGRESS"),
            MADE,
            change_set("CREATE_COMPLETE"),
            REMOVED,
            described("REVIEW_IN_PROGRESS"),
            ("list_change_sets", {"Summaries": others}),
        ]
    )
    script.fails(Declined, "nothing was changed", ask=lambda made: False)


def test_changes_of_a_living_stack_that_are_not_wanted_leave_the_stack_alone() -> None:
    kept = [{"ParameterKey": name, "ParameterValue": "x"} for name in GIVEN]
    script = Script(
        [
            described("CREATE_COMPLETE", Parameters=kept),
            MADE,
            change_set("CREATE_COMPLETE", changes=["Bucket"]),
            REMOVED,
        ]
    )
    script.fails(Declined, "nothing was changed", ask=lambda made: False)


def test_what_a_killed_deploy_left_in_review_is_taken_up() -> None:
    script = Script(
        [described("REVIEW_IN_PROGRESS"), MADE, change_set("CREATE_COMPLETE"), BEFORE, *CREATED]
    )
    assert script.deploy().status == "CREATE_COMPLETE"
    assert script.of("CreateChangeSet")["ChangeSetType"] == "CREATE"


def test_a_stack_whose_creation_failed_is_not_replaced_unasked() -> None:
    script = Script([described("ROLLBACK_COMPLETE")])
    script.fails(RefusedInput, "--replace-failed")
    assert [name for name, _ in script.asked] == ["DescribeStacks"]


def test_with_replace_failed_it_is_deleted_first_and_made_anew() -> None:
    script = Script(
        [
            described("ROLLBACK_COMPLETE"),
            DELETED,
            described("DELETE_IN_PROGRESS"),
            described("DELETE_COMPLETE"),
            MADE,
            change_set("CREATE_COMPLETE"),
            BEFORE,
            *CREATED,
        ]
    )
    assert script.deploy(replace_failed=True).status == "CREATE_COMPLETE"
    # A deleted stack has no name any more.
    names = [found["StackName"] for name, found in script.asked if name == "DescribeStacks"]
    assert names == ["lake", ID, ID, "lake"]
    assert script.of("DeleteStack")["StackName"] == ID


def test_a_failed_stack_that_cannot_be_deleted_says_why() -> None:
    script = Script(
        [
            described("ROLLBACK_COMPLETE"),
            DELETED,
            described("DELETE_FAILED", StackStatusReason="Queue is in use"),
        ]
    )
    script.fails(DeployFailed, "Queue is in use", replace_failed=True)


@pytest.mark.parametrize("status", ["UPDATE_IN_PROGRESS", "ROLLBACK_IN_PROGRESS"])
def test_a_stack_that_somebody_is_changing_is_refused(status: str) -> None:
    kept = [{"ParameterKey": name, "ParameterValue": "x"} for name in GIVEN]
    Script([described(status, Parameters=kept)]).fails(RefusedInput, status)


def test_a_failure_tells_the_first_resource_that_failed_and_why() -> None:
    script = Script(
        [
            NO_STACK,
            MADE,
            change_set("CREATE_COMPLETE", changes=["Bucket"]),
            BEFORE,
            EXECUTED,
            events(event(2, "Bucket", "CREATE_IN_PROGRESS"), event(1, "lake", "REVIEW")),
            events(
                event(6, "lake", "ROLLBACK_IN_PROGRESS", "The following failed: [Queue, Bucket]"),
                event(5, "Bucket", "CREATE_FAILED", "Resource creation cancelled"),
                event(4, "Queue", "CREATE_FAILED", "Queue name is taken"),
                event(3, "Role", "CREATE_FAILED", "Resource creation cancelled"),
                event(2, "Bucket", "CREATE_IN_PROGRESS"),
            ),
            events(event(7, "lake", "ROLLBACK_COMPLETE"), event(6, "lake", "ROLLBACK")),
        ]
    )
    reason = r"ROLLBACK_COMPLETE: AWS::S3::Bucket Queue: Queue name is taken; .*--replace-failed"
    script.fails(DeployFailed, reason)
    assert [each.id for each in script.told] == [f"event-{n}" for n in range(2, 8)]


def test_throttling_and_lost_answers_lengthen_the_pause_and_end_nothing() -> None:
    throttled: Step = ("describe_change_set", "Throttling", "Rate exceeded")
    script = Script(
        [
            NO_STACK,
            MADE,
            throttled,
            throttled,
            change_set("CREATE_IN_PROGRESS"),
            change_set("CREATE_COMPLETE"),
            BEFORE,
            ("execute_change_set", "Throttling", "Rate exceeded"),
            *CREATED,
        ]
    )
    assert script.deploy().status == "CREATE_COMPLETE"
    assert len(script.slept) == 4


def test_a_change_set_whose_answer_was_lost_is_our_own() -> None:
    script = Script(
        [
            NO_STACK,
            ("create_change_set", "Throttling", "no word whether it was made"),
            ("create_change_set", "AlreadyExistsException", "ChangeSet exists"),
            change_set("CREATE_COMPLETE"),
            BEFORE,
            *CREATED,
        ]
    )
    assert script.deploy().status == "CREATE_COMPLETE"
    names = {found["ChangeSetName"] for name, found in script.asked if "ChangeSetName" in found}
    assert len(names) == 1  # the second try has the name of the first


def test_an_interrupt_before_anything_changes_cleans_up() -> None:
    script = Script(
        [
            NO_STACK,
            MADE,
            change_set("CREATE_COMPLETE"),
            *ALL_REMOVED,
        ]
    )

    def interrupted(made: ChangeSet) -> bool:
        raise KeyboardInterrupt

    script.fails(KeyboardInterrupt, ask=interrupted)


def test_all_pages_of_changes_and_events_are_read() -> None:
    shown: list[ChangeSet] = []
    script = Script(
        [
            NO_STACK,
            MADE,
            change_set("CREATE_COMPLETE", changes=["Bucket"], NextToken="2"),
            change_set("CREATE_COMPLETE", changes=["Queue"]),
            BEFORE,
            EXECUTED,
            events(event(4, "lake", "CREATE_COMPLETE"), NextToken="older"),
            events(
                event(3, "Queue", "CREATE_COMPLETE"),
                event(2, "Bucket", "CREATE_COMPLETE"),
                event(1, "lake", "REVIEW_IN_PROGRESS"),
            ),
            described("CREATE_COMPLETE"),
        ]
    )

    def ask(made: ChangeSet) -> bool:
        shown.append(made)
        return True

    assert script.deploy(ask=ask).changes == 2
    assert [change.name for change in shown[0].changes] == ["Bucket", "Queue"]
    assert [each.id for each in script.told] == ["event-2", "event-3", "event-4"]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, "KmsKeyArn must be given"),
        ({**GIVEN, "Color": "blue"}, "--parameter Color: the template has no such parameter"),
    ],
)
def test_parameters_are_checked_before_anything_is_made(given: dict[str, str], told: str) -> None:
    Script([NO_STACK]).fails(RefusedInput, told, given=given)


def test_the_table_shows_what_is_added_changed_and_replaced() -> None:
    made = ChangeSet(
        "CREATE_COMPLETE",
        "",
        (
            Change("Add", "DeadLetterQueue", "AWS::SQS::Queue", ""),
            Change("Modify", "EmrCluster", "AWS::EMR::Cluster", "True"),
        ),
    )
    assert change_table(made) == [
        "action  resource         type               replaced",
        "Add     DeadLetterQueue  AWS::SQS::Queue",
        "Modify  EmrCluster       AWS::EMR::Cluster  True",
    ]


def run(script: Script, *arguments: str, answer: str = "") -> Result:
    pairs = [word for key, value in GIVEN.items() for word in ("--parameter", f"{key}={value}")]
    with pytest.MonkeyPatch.context() as patch, script.stubber:
        patch.setattr(Aws, "of", classmethod(lambda cls, common: script.aws))
        patch.setattr("time.sleep", script.slept.append)
        return CliRunner().invoke(
            main, ["emr", "deploy", "--stack", "lake", *pairs, *arguments], input=answer
        )


def test_the_command_shows_asks_and_prints_the_outputs() -> None:
    script = Script(
        [NO_STACK, MADE, change_set("CREATE_COMPLETE", changes=["Bucket"]), BEFORE, *CREATED]
    )
    done = run(script, answer="y\n")
    assert done.exit_code == 0, done.output
    assert "Add     Bucket    AWS::S3::Bucket" in done.stderr
    assert "03:00:02 CREATE_COMPLETE    lake" in done.stderr
    assert done.stdout == "lake is CREATE_COMPLETE: 1 changes\nBucket  lake-1\n"


def test_with_json_the_last_line_is_the_answer() -> None:
    script = Script([NO_STACK, MADE, change_set("CREATE_COMPLETE"), BEFORE, *CREATED])
    done = run(script, "--yes", "--output", "json")
    assert json.loads(done.stdout) == {
        "stack": "lake",
        "status": "CREATE_COMPLETE",
        "changes": 0,
        "outputs": {"Bucket": "lake-1"},
    }


@pytest.mark.parametrize("answer", ["n\n", ""])
def test_no_and_no_answer_at_all_change_nothing(answer: str) -> None:
    script = Script(
        [
            NO_STACK,
            MADE,
            change_set("CREATE_COMPLETE", changes=["Bucket"]),
            *ALL_REMOVED,
        ]
    )
    done = run(script, answer=answer)
    assert done.exit_code == ExitCode.CANCELLED
    assert "nothing was changed in lake" in done.stderr
    assert ("--yes" in done.stderr) == (answer == "")


@pytest.mark.parametrize("setting", ["Mode", "=cluster", ""])
def test_a_parameter_is_a_key_and_a_value(setting: str) -> None:
    done = run(Script([]), "--parameter", setting)
    assert done.exit_code == ExitCode.REFUSED and "KEY=VALUE such as Mode=cluster" in done.output


@pytest.mark.parametrize(
    ("golden", "arguments"),
    [("deploy", ()), ("deploy_serverless", ("--parameter", "Mode=serverless"))],
)
def test_the_dry_run_is_its_golden_file(golden: str, arguments: tuple[str, ...]) -> None:
    done = run(Script([]), "--dry-run", *arguments)
    assert done.exit_code == 0, done.output
    check_golden(golden, done.stdout, {f"<{len(template_body())} characters>": "TEMPLATE"})


def test_what_is_deployed_is_clean_too_and_small_enough_to_be_sent() -> None:
    body = template_body()
    assert lint(body) == []
    assert len(body.encode()) <= 51_200  # CloudFormation quotas: template body in a request


def test_the_machine_that_is_deployed_is_the_one_in_its_file(tmp_path: Any) -> None:
    deployed = tmp_path / "template.yaml"
    deployed.write_text(template_body(), encoding="utf-8")
    template = read_template(deployed)
    machine = stack(template, **NEEDED).only("AWS::StepFunctions::StateMachine")
    kept = json.loads((ROOT / "emr" / "daily.asl.json").read_text(encoding="utf-8"))
    assert json.loads(machine["DefinitionString"]) == kept
    # Nothing else of the template is another.
    machine["DefinitionString"] = ""  # type: ignore[index]
    plain = stack(read_template(TEMPLATE), **NEEDED)
    plain.only("AWS::StepFunctions::StateMachine")["DefinitionString"] = ""  # type: ignore[index]
    assert stack(template, **NEEDED).resources.keys() == plain.resources.keys()


def test_the_parameters_are_read_from_the_text_as_a_parser_reads_them() -> None:
    declared = read_template(TEMPLATE)["Parameters"]
    assert template_parameters(template_body()) == {
        name: "Default" in each for name, each in declared.items()
    }
