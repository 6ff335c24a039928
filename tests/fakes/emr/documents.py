"""What the stand-in's EMR tells of clusters and steps: Cluster, ClusterSummary, Step.

Source: the data types of these names in the Amazon EMR API Reference.
"""

from __future__ import annotations

import re
from typing import Any

from tests.fakes.emr.ids import ACCOUNT, REGION
from tests.fakes.emr.instances import timeline
from tests.fakes.emr.machine import Cluster
from tests.fakes.emr.steps import Step

Document = dict[str, Any]

AS_ASKED = (
    *("Name", "ReleaseLabel", "Applications", "Tags", "ServiceRole", "Configurations"),
    *("SecurityConfiguration", "AutoScalingRole", "ScaleDownBehavior", "CustomAmiId"),
    *("EbsRootVolumeSize", "OSReleaseLabel", "LogEncryptionKmsKeyId"),
)
"""What DescribeCluster says as RunJobFlow was told it."""


def cluster_document(cluster: Cluster) -> Document:
    """DescribeCluster's `Cluster`."""
    asked = cluster.request
    instances = asked["Instances"]
    attributes = {
        "Ec2SubnetId": next(iter(instances.get("Ec2SubnetIds", [])), None)
        or instances.get("Ec2SubnetId"),
        "RequestedEc2SubnetIds": instances.get("Ec2SubnetIds"),
        "IamInstanceProfile": asked.get("JobFlowRole"),
    }
    fleets = "InstanceFleets" in instances
    answer = {
        **summary(cluster),
        "Ec2InstanceAttributes": {k: v for k, v in attributes.items() if v is not None},
        "InstanceCollectionType": "INSTANCE_FLEET" if fleets else "INSTANCE_GROUP",
        "AutoTerminate": not instances.get("KeepJobFlowAliveWhenNoSteps", False),
        "TerminationProtected": instances.get("TerminationProtected", False),
        "VisibleToAllUsers": True,
        "StepConcurrencyLevel": cluster.concurrency,
        **{name: asked[name] for name in AS_ASKED if name in asked},
    }
    if cluster.log_uri is not None:
        # EMR gives the address with its old scheme and a slash behind.
        answer["LogUri"] = re.sub(r"^s3a?://", "s3n://", cluster.log_uri) + "/"
    return answer


def cluster_arn(cluster: Cluster) -> str:
    """The ARN that RunJobFlow and the lists give."""
    return f"arn:aws:elasticmapreduce:{REGION}:{ACCOUNT}:cluster/{cluster.id}"


def summary(cluster: Cluster) -> Document:
    """An element of ListClusters' answer, and part of DescribeCluster's."""
    return {
        "Id": cluster.id,
        "Name": cluster.request["Name"],
        "Status": {
            "State": cluster.state,
            "StateChangeReason": dict(cluster.reason),
            "Timeline": timeline(Creation=cluster.created, Ready=cluster.ready, End=cluster.ended),
        },
        "NormalizedInstanceHours": 0,
        "ClusterArn": cluster_arn(cluster),
    }


def step_document(step: Step) -> Document:
    """An element of ListSteps' answer, and most of DescribeStep's."""
    jar = step.config["HadoopJarStep"]
    status: Document = {
        "State": step.state,
        "StateChangeReason": {} if step.message is None else {"Message": step.message},
        "Timeline": timeline(Creation=step.created, Start=step.started, End=step.ended),
    }
    if step.failure is not None:
        status["FailureDetails"] = dict(step.failure)
    return {
        "Id": step.id,
        "Name": step.config["Name"],
        "Config": {
            "Jar": jar["Jar"],
            "Properties": {
                pair.get("Key", ""): pair.get("Value", "") for pair in jar.get("Properties", [])
            },
            **({"MainClass": jar["MainClass"]} if "MainClass" in jar else {}),
            "Args": jar.get("Args", []),
        },
        "ActionOnFailure": step.action,
        "Status": status,
    }
