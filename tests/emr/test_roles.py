"""Roles of `emr/template.yaml`: every statement of every policy, walked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.emr.cloudformation import Stack, read_template
from tests.emr.policies import Statement, many, statements
from tests.emr.test_template import MODES, TEMPLATE, deployed

ANY_RESOURCE = {
    ("StateMachineRole", "CreateClusters"): "RunJobFlow makes the cluster, so none can be named",
    ("JobPolicy", "FollowItsOwnStatements"): "statements of the Data API are no resources",
}
"""Statements that may say `Resource: *`, and why."""

WORKGROUP = "arn:aws:redshift-serverless:eu-west-1:123456789012:workgroup/one"
TOPIC = "arn:aws:sns:eu-west-1:111122223333:wind"
CLAIMS = "arn:aws:dynamodb:eu-west-1:111122223333:table/alert-claims"

OTHERS = {
    "elasticmapreduce.amazonaws.com": "ServiceRole",
    "ec2.amazonaws.com": "InstanceRole",
}
"""Who may be given which role."""


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    return read_template(TEMPLATE)


def policies(made: Stack) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every policy that gives rights, with the name of the role or managed policy."""
    for name, role in made.of_type("AWS::IAM::Role").items():
        for policy in role.get("Policies", []):
            yield name, policy["PolicyDocument"]
    for kind in ("AWS::IAM::ManagedPolicy", "AWS::IAM::RolePolicy"):
        for name, policy in made.of_type(kind).items():
            yield name, policy["PolicyDocument"]


def rights(made: Stack) -> Iterator[tuple[str, Statement]]:
    for name, policy in policies(made):
        for statement in statements(policy):
            yield name, statement


def parameters() -> list[tuple[str, dict[str, str]]]:
    more = {
        "SourceBuckets": "arn:aws:s3:::one,arn:aws:s3:::two",
        "Certificates": "s3://keys/certs.zip",
        "Workgroups": WORKGROUP,
        "AlertTopics": TOPIC,
        "ClaimTables": CLAIMS,
    }
    return [(mode, extra) for mode in MODES for extra in ({}, more)]


@pytest.mark.parametrize(("mode", "more"), parameters())
def test_no_statement_names_every_action_or_a_whole_service(
    template: dict[str, Any], mode: str, more: dict[str, str]
) -> None:
    walked = list(rights(deployed(template, mode, **more)))
    assert len(walked) >= 4
    for name, statement in walked:
        assert "NotAction" not in statement and "NotResource" not in statement, name
        assert statement["Sid"], name
        for action in many(statement["Action"]):
            assert "*" not in action, (name, action)


@pytest.mark.parametrize(("mode", "more"), parameters())
def test_every_resource_is_named_but_for_the_listed_ones(
    template: dict[str, Any], mode: str, more: dict[str, str]
) -> None:
    for name, statement in rights(deployed(template, mode, **more)):
        for resource in many(statement["Resource"]):
            if (name, statement["Sid"]) in ANY_RESOURCE:
                continue
            assert resource.startswith("arn:") or resource == "<StateMachine>", (name, resource)
            # Of an ARN at least partition, service and, for S3, the bucket are said.
            assert "*" not in ":".join(resource.split(":")[:5]), (name, resource)
            assert resource.split(":", 5)[-1] != "*", (name, resource)


def test_the_listed_allowances_are_all_used(template: dict[str, Any]) -> None:
    used = {
        (name, statement["Sid"])
        for name, statement in rights(deployed(template, Workgroups=WORKGROUP))
        if "*" in many(statement["Resource"])
    }
    assert used == ANY_RESOURCE.keys()


def test_clusters_are_made_only_with_the_tag_that_bounds_what_emr_may_touch(
    template: dict[str, Any],
) -> None:
    (create,) = (
        statement
        for _, statement in rights(deployed(template))
        if "elasticmapreduce:RunJobFlow" in many(statement["Action"])
    )
    assert create["Condition"] == {
        "StringEquals": {"aws:RequestTag/for-use-with-amazon-emr-managed-policies": "true"}
    }


@pytest.mark.parametrize("mode", MODES)
def test_roles_are_given_by_name_to_the_service_that_needs_them(
    template: dict[str, Any], mode: str
) -> None:
    for name, statement in rights(deployed(template, mode)):
        if "iam:PassRole" not in many(statement["Action"]):
            continue
        assert many(statement["Action"]) == ["iam:PassRole"], name
        service = statement["Condition"]["StringEquals"]["iam:PassedToService"]
        assert many(statement["Resource"]) == [f"arn:aws:made:::{OTHERS[service]}"], name


def test_the_state_machine_runs_steps_as_the_job_and_as_nothing_else(
    template: dict[str, Any],
) -> None:
    (add,) = (
        statement
        for _, statement in rights(deployed(template))
        if "elasticmapreduce:AddJobFlowSteps" in many(statement["Action"])
    )
    assert add["Condition"] == {
        "StringEquals": {"elasticmapreduce:ExecutionRoleArn": "arn:aws:made:::StepRole"}
    }


def test_a_job_can_write_the_lake_but_not_the_code_that_runs(template: dict[str, Any]) -> None:
    for mode, role in (("cluster", "StepRole"), ("serverless", "ServerlessRole")):
        made = deployed(template, mode)
        roles = made.of_type("AWS::IAM::Role")
        assert roles[role]["ManagedPolicyArns"] == ["<JobPolicy>"]
        assert "Policies" not in roles[role]
        by_sid = {
            statement["Sid"]: statement
            for statement in statements(made.only("AWS::IAM::ManagedPolicy")["PolicyDocument"])
        }
        assert by_sid["ReadAndWriteTheLake"]["Resource"] == "arn:aws:made:::Bucket/*"
        assert by_sid["LeaveTheCodeAlone"]["Effect"] == "Deny"
        assert set(by_sid["LeaveTheCodeAlone"]["Action"]) == {"s3:PutObject", "s3:DeleteObject"}


def test_instances_cannot_read_the_lake_themselves(template: dict[str, Any]) -> None:
    mine = [
        statement
        for name, statement in rights(deployed(template))
        if name in ("InstanceRole", "InstancesMayRunJobs")
    ]
    of_s3 = [
        (many(statement["Action"]), many(statement["Resource"]))
        for statement in mine
        if any(action.startswith("s3:") for action in many(statement["Action"]))
    ]
    assert of_s3 == [(["s3:PutObject"], ["arn:aws:made:::Bucket/logs/*"])]
    (take,) = (statement for statement in mine if "sts:AssumeRole" in many(statement["Action"]))
    assert take["Resource"] == "arn:aws:made:::StepRole"


def test_further_sources_are_read_only_and_named(template: dict[str, Any]) -> None:
    made = deployed(template, SourceBuckets="arn:aws:s3:::one,arn:aws:s3:::two")
    (read,) = (s for _, s in rights(made) if s["Sid"] == "ReadOtherSources")
    assert read["Resource"] == [
        "arn:aws:s3:::one",
        "arn:aws:s3:::two",
        "arn:aws:s3:::one/*",
        "arn:aws:s3:::two/*",
    ]
    assert set(read["Action"]) == {"s3:ListBucket", "s3:GetBucketLocation", "s3:GetObject"}
    assert not [s for _, s in rights(deployed(template)) if s["Sid"] == "ReadOtherSources"]


def test_certificates_are_fetched_from_the_one_place_where_they_lie(
    template: dict[str, Any],
) -> None:
    made = deployed(template, Certificates="s3://keys/pem/certs.zip")
    (fetch,) = (s for _, s in rights(made) if s["Sid"] == "FetchCertificates")
    assert fetch["Resource"] == "arn:aws:s3:::keys/pem/certs.zip"


@pytest.mark.parametrize("mode", MODES)
def test_a_role_is_taken_by_one_service_of_this_account_or_by_our_instances(
    template: dict[str, Any], mode: str
) -> None:
    roles = deployed(template, mode).of_type("AWS::IAM::Role")
    for name, role in roles.items():
        (trust,) = statements(role["AssumeRolePolicyDocument"])
        if name == "StepRole":
            assert trust["Principal"] == {"AWS": "arn:aws:made:::InstanceRole"}
            continue
        assert trust["Principal"].keys() == {"Service"}, name
        if name != "InstanceRole":  # EC2 takes a role through an instance profile of the account
            assert trust["Condition"]["StringEquals"]["aws:SourceAccount"] == "123456789012", name


def test_emr_has_its_managed_policy_of_the_second_version(template: dict[str, Any]) -> None:
    role = deployed(template).of_type("AWS::IAM::Role")["ServiceRole"]
    assert role["ManagedPolicyArns"] == [
        "arn:aws:iam::aws:policy/service-role/AmazonEMRServicePolicy_v2"
    ]


def test_a_job_loads_the_named_workgroups_and_sees_no_statement_but_its_own(
    template: dict[str, Any],
) -> None:
    made = {s["Sid"]: s for _, s in rights(deployed(template, Workgroups=WORKGROUP))}
    assert made["LoadTheWarehouse"]["Resource"] == [WORKGROUP]
    assert made["FollowItsOwnStatements"]["Condition"] == {
        "StringEquals": {"redshift-data:statement-owner-iam-userid": "${aws:userid}"}
    }
    without = {s["Sid"] for _, s in rights(deployed(template))}
    assert not without & {"LoadTheWarehouse", "FollowItsOwnStatements"}


def test_a_job_tells_the_named_topics_and_keeps_claims_in_the_named_tables(
    template: dict[str, Any],
) -> None:
    made = {
        s["Sid"]: s for _, s in rights(deployed(template, AlertTopics=TOPIC, ClaimTables=CLAIMS))
    }
    assert made["TellTheTopics"]["Resource"] == [TOPIC]
    assert made["TellTheTopics"]["Action"] == ["sns:Publish"]
    assert made["KeepClaims"]["Resource"] == [CLAIMS]
    # What the publisher calls, and nothing that could remove a claim.
    assert sorted(made["KeepClaims"]["Action"]) == ["dynamodb:GetItem", "dynamodb:PutItem"]
    without = {s["Sid"] for _, s in rights(deployed(template))}
    assert not without & {"TellTheTopics", "KeepClaims"}
