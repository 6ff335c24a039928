"""Evaluates IAM policies as far as this project's use them, and refuses what it does not know."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Statement = Mapping[str, Any]


def statements(policy: Mapping[str, Any]) -> list[Statement]:
    """Statements of a policy document."""
    found = policy["Statement"]
    return list(found) if isinstance(found, list) else [found]


def many(value: Any) -> list[Any]:
    """A policy's element as a list: one of them needs no brackets."""
    return list(value) if isinstance(value, list) else [value]


def denied(
    policy: Mapping[str, Any], action: str, resource: str, context: Mapping[str, str]
) -> bool:
    """Whether a statement of the policy denies a request of anybody.

    Parameters
    ----------
    policy : mapping
        A resource's policy.
    action, resource : str
        `s3:GetObject`, the ARN.
    context : mapping of str to str
        Condition keys of the request.
    """
    return any(
        statement["Effect"] == "Deny"
        and statement.get("Principal") == "*"
        and _matches(many(statement["Action"]), action)
        and _matches(many(statement["Resource"]), resource)
        and all(_conditions(statement.get("Condition", {}), context))
        for statement in statements(policy)
    )


def _matches(patterns: Iterable[str], text: str) -> bool:
    return any(
        re.fullmatch(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), text)
        for pattern in patterns
    )


def _conditions(
    condition: Mapping[str, Mapping[str, Any]], context: Mapping[str, str]
) -> Iterator[bool]:
    """All operators and all their keys must hold; a key that the request lacks does not."""
    for operator, keys in condition.items():
        for key, wanted in keys.items():
            found = context.get(key)
            if operator in ("Bool", "StringEquals"):
                yield found is not None and found in many(wanted)
            elif operator == "StringNotEquals":
                yield found is None or found not in many(wanted)
            elif operator == "NumericLessThan":
                yield found is not None and float(found) < float(wanted)
            else:
                raise AssertionError(f"this evaluator does not know {operator}")
