"""Botocore's own validator: what it refuses, the service would."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import botocore.session
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

from stormlake.running.aws import ApiCall


@cache
def service_model(service: str) -> ServiceModel:
    return botocore.session.get_session().get_service_model(service)


def faults(call: ApiCall) -> str:
    """What is wrong with a call's parameters; empty when nothing is."""
    shape = service_model(call.service).operation_model(call.operation).input_shape
    report = ParamValidator().validate(dict(call.parameters), shape)
    return str(report.generate_report())


def enum(service: str, shape: str) -> set[str]:
    """All words that the service knows for something."""
    return set(service_model(service).shape_for(shape).enum)


def emr_call(operation: str, parameters: Mapping[str, Any]) -> ApiCall:
    return ApiCall("emr", operation, parameters)
