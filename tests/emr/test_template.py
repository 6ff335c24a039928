"""`emr/template.yaml`: its linter, its bucket, its cluster and its application."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest
from cfnlint.api import lint

from stormlake.emr.cluster_file import STACK_OUTPUTS, cluster_spec
from stormlake.emr.clusters import run_job_flow
from stormlake.runtimes import RUNTIMES
from tests.emr.cloudformation import Stack, read_template, stack
from tests.emr.policies import denied, many, statements

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "emr" / "template.yaml"
KEY = "arn:aws:kms:eu-west-1:123456789012:key/6c1b7f0e-0000-4000-8000-000000000000"
NEEDED = {"KmsKeyArn": KEY, "Subnets": "subnet-a,subnet-b"}
MODES = ("cluster", "serverless", "transient")


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    return read_template(TEMPLATE)


def deployed(template: dict[str, Any], mode: str = "cluster", **more: str) -> Stack:
    return stack(template, Mode=mode, **{**NEEDED, **more})


def test_the_template_has_not_one_finding_and_asks_for_no_exception() -> None:
    text = TEMPLATE.read_text(encoding="utf-8")
    assert lint(text) == []
    assert "cfn-lint" not in text  # a section of that name would hold ignores


def test_the_template_offers_the_runtimes_of_the_one_table(template: dict[str, Any]) -> None:
    offered = template["Parameters"]["Runtime"]
    assert offered["AllowedValues"] == [runtime.label for runtime in RUNTIMES]
    assert offered["Default"] == RUNTIMES[0].label


def test_copies_for_the_warehouse_expire(template: dict[str, Any]) -> None:
    rules = deployed(template).only("AWS::S3::Bucket")["LifecycleConfiguration"]["Rules"]
    (rule,) = (each for each in rules if each.get("Prefix") == "unload/")
    assert (rule["Status"], rule["ExpirationInDays"]) == ("Enabled", 14)


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_has_a_bucket_that_nobody_else_can_read(
    template: dict[str, Any], mode: str
) -> None:
    bucket = deployed(template, mode).only("AWS::S3::Bucket")
    assert bucket["PublicAccessBlockConfiguration"] == {
        "BlockPublicAcls": True,
        "BlockPublicPolicy": True,
        "IgnorePublicAcls": True,
        "RestrictPublicBuckets": True,
    }
    assert bucket["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["BucketKeyEnabled"] is True
    assert rule["ServerSideEncryptionByDefault"] == {
        "SSEAlgorithm": "aws:kms",
        "KMSMasterKeyID": KEY,
    }


def test_what_was_replaced_or_never_finished_does_not_stay_for_ever(
    template: dict[str, Any],
) -> None:
    uploads, versions, _ = deployed(template).only("AWS::S3::Bucket")["LifecycleConfiguration"][
        "Rules"
    ]
    assert uploads["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 3}
    assert versions["NoncurrentVersionExpiration"] == {"NoncurrentDays": 30}
    assert {uploads["Status"], versions["Status"]} == {"Enabled"}


def test_the_lake_outlives_its_stack(template: dict[str, Any]) -> None:
    bucket = template["Resources"]["Bucket"]
    # But not a creation that failed: what that left would be empty, and in nobody's stack.
    assert bucket["DeletionPolicy"] == "RetainExceptOnCreate"
    assert bucket["UpdateReplacePolicy"] == "Retain"


BUCKET = "arn:aws:made:::Bucket"
REQUESTS = [
    ("s3:ListBucket", BUCKET),
    ("s3:GetObject", f"{BUCKET}/lake/radar_grid/part.parquet"),
    ("s3:PutObject", f"{BUCKET}/artifacts/code/x.zip"),
]


@pytest.mark.parametrize(("action", "resource"), REQUESTS)
def test_the_bucket_denies_plain_http_whatever_else_the_request_says(
    template: dict[str, Any], action: str, resource: str
) -> None:
    policy = deployed(template).only("AWS::S3::BucketPolicy")["PolicyDocument"]
    for more in ({}, {"s3:TlsVersion": "1.2"}, {"aws:SourceVpc": "vpc-1"}):
        assert denied(policy, action, resource, {"aws:SecureTransport": "false", **more})
        assert not denied(policy, action, resource, {"aws:SecureTransport": "true", **more})


def test_the_denial_has_one_condition_key_and_names_bucket_and_objects(
    template: dict[str, Any],
) -> None:
    policy = deployed(template).only("AWS::S3::BucketPolicy")["PolicyDocument"]
    (statement,) = statements(policy)
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert statement["Resource"] == [BUCKET, f"{BUCKET}/*"]
    assert (statement["Principal"], statement["Action"]) == ("*", "s3:*")


def test_a_denial_that_also_tests_another_key_would_never_match_plain_http(
    template: dict[str, Any],
) -> None:
    # A well-known template adds the version of TLS to the same statement. A plain request has
    # none, all keys must hold, and so the policy denies nothing at all.
    policy = deployed(template).only("AWS::S3::BucketPolicy")["PolicyDocument"]
    spoilt = json.loads(json.dumps(policy))
    spoilt["Statement"][0]["Condition"]["NumericLessThan"] = {"s3:TlsVersion": "1.2"}
    plain_http = {"aws:SecureTransport": "false"}
    action, resource = REQUESTS[1]
    assert denied(policy, action, resource, plain_http)
    assert not denied(spoilt, action, resource, plain_http)


def test_a_denial_of_the_bucket_alone_would_let_objects_be_read(template: dict[str, Any]) -> None:
    policy = deployed(template).only("AWS::S3::BucketPolicy")["PolicyDocument"]
    spoilt = json.loads(json.dumps(policy))
    spoilt["Statement"][0]["Resource"] = [BUCKET]
    assert not denied(spoilt, *REQUESTS[1], {"aws:SecureTransport": "false"})


def test_no_code_of_ours_creates_a_bucket_so_none_names_a_location_for_us_east_1() -> None:
    # S3 answers 400 to create_bucket with LocationConstraint=us-east-1, where others need it.
    # CloudFormation makes the only bucket, and the template gives it no location.
    for path in sorted((ROOT / "lib").rglob("*.py")) + sorted((ROOT / "emr").glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        words = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
        assert "create_bucket" not in words, path
        assert "CreateBucket" not in texts, path
        # One module reads where a bucket is.
        assert "LocationConstraint" not in texts or path.name == "exporting.py", path
    assert "LocationConstraint" not in TEMPLATE.read_text(encoding="utf-8")


def test_a_mode_makes_what_it_needs_and_nothing_that_costs_money_while_it_waits(
    template: dict[str, Any],
) -> None:
    made = {mode: deployed(template, mode).resources.keys() for mode in MODES}
    assert made["cluster"] - made["transient"] == {"EmrCluster"}
    assert "StateMachine" in made["transient"]
    assert made["serverless"] == {
        "Bucket",
        "BucketPolicy",
        "JobPolicy",
        "ServerlessRole",
        "Application",
    }


def test_the_outputs_are_those_that_the_commands_read(template: dict[str, Any]) -> None:
    always = {"Bucket", "Release", "LogUri"}
    clusters = {
        *("Subnets", "ServiceRole", "InstanceProfile", "StepRole", "SecurityConfiguration"),
        *("StateMachine", "SchedulerRole", "ScheduleGroup", "DeadLetterQueue"),
    }
    assert deployed(template, "transient").outputs.keys() == always | clusters
    assert deployed(template, "cluster").outputs.keys() == always | clusters | {"ClusterId"}
    assert deployed(template, "serverless").outputs.keys() == always | {
        "ApplicationId",
        "ServerlessRole",
    }
    assert STACK_OUTPUTS.keys() <= always | clusters
    assert deployed(template).outputs["Subnets"] == "subnet-a,subnet-b"
    assert deployed(template).outputs["LogUri"] == "s3://<Bucket>/logs/"


def test_the_cluster_is_the_one_that_the_client_makes_of_the_same_stack(
    template: dict[str, Any],
) -> None:
    made = deployed(template)
    request = run_job_flow(cluster_spec(None, made.outputs), name="lake")
    fleets = {each["Name"]: each for each in request["Instances"].pop("InstanceFleets")}
    cluster = json.loads(json.dumps(made.only("AWS::EMR::Cluster")))
    instances = cluster.pop("Instances")
    ours = [
        instances.pop("MasterInstanceFleet"),
        instances.pop("CoreInstanceFleet"),
        *instances.pop("TaskInstanceFleets"),
    ]
    for fleet in ours:
        asked = fleets.pop(fleet["Name"])
        asked.pop("InstanceFleetType")
        assert fleet == asked
    assert not fleets
    assert instances.pop("TerminationProtected") is False
    assert instances == request.pop("Instances")
    # CloudFormation has another word for the same, and gives names where the client has ARNs.
    for each in cluster["Configurations"]:
        each["Properties"] = each.pop("ConfigurationProperties")
    for role, output in (("ServiceRole", "ServiceRole"), ("JobFlowRole", "InstanceProfile")):
        assert cluster.pop(role) == f"<{output}>" and request.pop(role) == made.outputs[output]
    limits = cluster["ManagedScalingPolicy"]["ComputeLimits"]
    for name in ("MaximumCapacityUnits", "MaximumOnDemandCapacityUnits"):
        limits[name] = int(limits[name])  # a parameter is text
    assert cluster == request


def test_a_cluster_always_ends_itself_when_idle(template: dict[str, Any]) -> None:
    cluster = deployed(template).only("AWS::EMR::Cluster")
    assert cluster["AutoTerminationPolicy"] == {"IdleTimeout": 3600}
    assert cluster["Instances"]["TerminationProtected"] is False


def test_drivers_stay_off_spot_instances(template: dict[str, Any]) -> None:
    cluster = deployed(template).only("AWS::EMR::Cluster")
    (configuration,) = cluster["Configurations"]
    assert configuration == {
        "Classification": "yarn-site",
        "ConfigurationProperties": {
            "yarn.node-labels.enabled": "true",
            "yarn.node-labels.am.default-node-label-expression": "CORE",
        },
    }
    instances = cluster["Instances"]
    for fleet in (instances["MasterInstanceFleet"], instances["CoreInstanceFleet"]):
        assert fleet["TargetSpotCapacity"] == 0 and fleet["TargetOnDemandCapacity"] > 0


def test_the_task_fleet_takes_spot_and_after_ten_minutes_what_there_is(
    template: dict[str, Any],
) -> None:
    (fleet,) = deployed(template).only("AWS::EMR::Cluster")["Instances"]["TaskInstanceFleets"]
    assert fleet["LaunchSpecifications"]["SpotSpecification"] == {
        "AllocationStrategy": "price-capacity-optimized",
        "TimeoutDurationMinutes": 10,
        "TimeoutAction": "SWITCH_TO_ON_DEMAND",
    }
    assert fleet["TargetOnDemandCapacity"] == 0 < fleet["TargetSpotCapacity"]
    assert len({each["InstanceType"] for each in fleet["InstanceTypeConfigs"]}) >= 5


def test_managed_scaling_has_every_limit(template: dict[str, Any]) -> None:
    cluster = deployed(template, MaximumUnits="64").only("AWS::EMR::Cluster")
    assert cluster["ManagedScalingPolicy"]["ComputeLimits"] == {
        "UnitType": "InstanceFleetUnits",
        "MinimumCapacityUnits": 8,
        "MaximumCapacityUnits": "64",
        "MaximumOnDemandCapacityUnits": "64",
        "MaximumCoreCapacityUnits": 16,
    }


def test_the_cluster_and_its_key_are_named_to_the_managed_policy(template: dict[str, Any]) -> None:
    cluster = deployed(template).only("AWS::EMR::Cluster")
    assert {"Key": "for-use-with-amazon-emr-managed-policies", "Value": "true"} in cluster["Tags"]


def security(template: dict[str, Any], **more: str) -> dict[str, Any]:
    found = deployed(template, **more).only("AWS::EMR::SecurityConfiguration")
    configuration: dict[str, Any] = found["SecurityConfiguration"]
    return configuration


def test_instances_speak_imdsv2_alone_and_steps_have_roles_of_their_own(
    template: dict[str, Any],
) -> None:
    found = security(template)
    assert found["InstanceMetadataServiceConfiguration"] == {
        "MinimumInstanceMetadataServiceVersion": 2,
        "HttpPutResponseHopLimit": 1,
    }
    assert found["AuthorizationConfiguration"] == {
        "IAMConfiguration": {"EnableApplicationScopedIAMRole": True}
    }


def test_data_at_rest_is_encrypted_and_in_transit_when_there_are_certificates(
    template: dict[str, Any],
) -> None:
    without = security(template)["EncryptionConfiguration"]
    given = security(template, Certificates="s3://keys/pem/certs.zip")["EncryptionConfiguration"]
    assert without["EnableAtRestEncryption"] is given["EnableAtRestEncryption"] is True
    assert without["AtRestEncryptionConfiguration"] == {
        "S3EncryptionConfiguration": {"EncryptionMode": "SSE-KMS", "AwsKmsKey": KEY},
        "LocalDiskEncryptionConfiguration": {
            "EncryptionKeyProviderType": "AwsKms",
            "AwsKmsKey": KEY,
            "EnableEbsEncryption": True,
        },
    }
    assert without["EnableInTransitEncryption"] is False
    assert "InTransitEncryptionConfiguration" not in without
    assert given["EnableInTransitEncryption"] is True
    assert given["InTransitEncryptionConfiguration"]["TLSCertificateConfiguration"] == {
        "CertificateProviderType": "PEM",
        "S3Object": "s3://keys/pem/certs.zip",
    }


def test_the_serverless_application_stops_when_idle_and_has_a_maximum(
    template: dict[str, Any],
) -> None:
    application = deployed(template, "serverless", MaximumUnits="96").only(
        "AWS::EMRServerless::Application"
    )
    assert application["Architecture"] == "X86_64"
    assert application["AutoStopConfiguration"] == {"Enabled": True, "IdleTimeoutMinutes": 15}
    assert application["MaximumCapacity"]["Cpu"] == "96 vCPU"
    assert "InitialCapacity" not in application  # that would cost while nothing runs


def test_a_cluster_without_a_subnet_is_refused_before_anything_is_made(
    template: dict[str, Any],
) -> None:
    rule = template["Rules"]["ClustersNeedSubnets"]
    assert rule["RuleCondition"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "Mode"}, "serverless"]}]}
    (assertion,) = rule["Assertions"]
    assert assertion["Assert"] == {"Fn::Not": [{"Fn::EachMemberEquals": [{"Ref": "Subnets"}, ""]}]}


def test_a_night_that_could_not_be_started_stays_two_weeks(template: dict[str, Any]) -> None:
    queue = deployed(template).only("AWS::SQS::Queue")
    assert queue == {"MessageRetentionPeriod": 14 * 24 * 3600, "SqsManagedSseEnabled": True}


def test_the_machine_in_the_template_says_how_it_is_deployed(template: dict[str, Any]) -> None:
    machine = json.loads(
        deployed(template).only("AWS::StepFunctions::StateMachine")["DefinitionString"]
    )
    (state,) = machine["States"].values()
    assert state["Type"] == "Fail" and "stormlake emr deploy" in state["Cause"]


def test_every_deny_of_the_template_is_meant(template: dict[str, Any]) -> None:
    found = []
    for kind in ("AWS::S3::BucketPolicy", "AWS::IAM::ManagedPolicy"):
        policy = deployed(template).only(kind)["PolicyDocument"]
        found += [
            (statement["Sid"], many(statement["Resource"]))
            for statement in statements(policy)
            if statement["Effect"] == "Deny"
        ]
    assert found == [
        ("DenyPlainHttp", [BUCKET, f"{BUCKET}/*"]),
        ("LeaveTheCodeAlone", [f"{BUCKET}/artifacts/*"]),
    ]


def test_the_readme_says_what_each_file_of_the_folder_is() -> None:
    text = (ROOT / "emr" / "README.md").read_text(encoding="utf-8")
    rows = {line.split("`")[1] for line in text.splitlines() if line.startswith("| `")}
    files = {path.name for path in (ROOT / "emr").iterdir() if path.is_file()}
    assert files - {"README.md"} <= rows


def test_the_readme_explains_every_parameter(template: dict[str, Any]) -> None:
    text = (ROOT / "emr" / "README.md").read_text(encoding="utf-8")
    assert all(f"| `{name}` |" in text for name in template["Parameters"])
