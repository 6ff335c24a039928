"""Reads a CloudFormation template as CloudFormation would, with given parameters.

Conditions, `Ref`, `Fn::GetAtt` and the functions that `emr/template.yaml` uses are worked out;
what only a deployed stack has (an ARN, a name) becomes a text that says which: `arn:aws:…` for
attributes named Arn, else `<Resource>` or `<Resource.Attribute>`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cfnlint.decode import decode

PSEUDO = {
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    "AWS::Region": "eu-west-1",
    "AWS::StackName": "lake",
}
NOTHING = object()


@dataclass(frozen=True)
class Stack:
    """What a template comes to: resources and outputs whose conditions hold."""

    resources: Mapping[str, Mapping[str, Any]]
    outputs: Mapping[str, str]

    def of_type(self, kind: str) -> dict[str, Mapping[str, Any]]:
        """Properties of the resources of a type, by name."""
        return {
            name: resource.get("Properties", {})
            for name, resource in self.resources.items()
            if resource["Type"] == kind
        }

    def only(self, kind: str) -> Mapping[str, Any]:
        """Properties of the one resource of a type."""
        (found,) = self.of_type(kind).values()
        return found


def read_template(path: Path) -> dict[str, Any]:
    """The template as plain dicts and lists; short forms such as `!Ref` in their long form."""
    template, problems = decode(str(path))
    assert not problems and template is not None, problems
    return plain(template)


def plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    return str(value) if isinstance(value, str) else value


def stack(template: Mapping[str, Any], **parameters: str) -> Stack:
    """Work a template out."""
    reader = _Reader(template, parameters)
    resources = reader.present("Resources")
    return Stack(
        {
            name: {
                **resource,
                "Properties": reader.value(resource.get("Properties", {})),
            }
            for name, resource in resources.items()
        },
        {name: reader.value(out["Value"]) for name, out in reader.present("Outputs").items()},
    )


class _Reader:
    def __init__(self, template: Mapping[str, Any], parameters: Mapping[str, str]) -> None:
        self.template = template
        unknown = parameters.keys() - template["Parameters"].keys()
        assert not unknown, unknown
        self.parameters: dict[str, Any] = {}
        for name, declared in template["Parameters"].items():
            given = str(parameters.get(name, declared.get("Default")))
            assert name in parameters or "Default" in declared, f"{name} has no default"
            assert given in declared.get("AllowedValues", [given]), (name, given)
            assert re.fullmatch(declared.get("AllowedPattern", ".*"), given), (name, given)
            listed = declared["Type"] == "CommaDelimitedList"
            self.parameters[name] = given.split(",") if listed else given

    def present(self, section: str) -> dict[str, Any]:
        return {
            name: entry
            for name, entry in self.template[section].items()
            if "Condition" not in entry or self.holds(entry["Condition"])
        }

    def holds(self, condition: str) -> bool:
        return bool(self.value(self.template["Conditions"][condition]))

    def value(self, node: Any) -> Any:
        if isinstance(node, list):
            values = [self.value(each) for each in node]
            return [each for each in values if each is not NOTHING]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            ((name, argument),) = node.items()
            if name == "Ref" or name == "Condition" or name.startswith("Fn::"):
                return self.function(name, argument)
        values = {key: self.value(each) for key, each in node.items()}
        return {key: each for key, each in values.items() if each is not NOTHING}

    def function(self, name: str, argument: Any) -> Any:
        match name:
            case "Ref":
                return self.reference(argument)
            case "Condition" if isinstance(argument, str):
                return self.holds(argument)
            case "Condition":  # of a policy's statement, which has the same word
                return {name: self.value(argument)}
            case "Fn::GetAtt":
                owner, attribute = (
                    argument if isinstance(argument, list) else argument.split(".", 1)
                )
                return self.attribute(owner, attribute)
            case "Fn::If":
                return self.value(argument[1] if self.holds(argument[0]) else argument[2])
            case "Fn::Not":
                return not self.value(argument[0])
            case "Fn::Equals":
                left, right = (self.value(each) for each in argument)
                return left == right
            case "Fn::Join":
                separator, parts = (self.value(each) for each in argument)
                return separator.join(parts)
            case "Fn::Split":
                separator, text = (self.value(each) for each in argument)
                return text.split(separator)
            case "Fn::Select":
                return self.value(argument[1])[int(argument[0])]
            case "Fn::Sub":
                return self.substitute(argument)
        raise AssertionError(f"the template uses {name}, which this reader does not know")

    def reference(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return NOTHING
        if name in PSEUDO:
            return PSEUDO[name]
        if name in self.parameters:
            return self.parameters[name]
        self.check_present(name)
        return f"<{name}>"

    def attribute(self, owner: str, attribute: str) -> str:
        self.check_present(owner)
        return f"arn:aws:made:::{owner}" if attribute == "Arn" else f"<{owner}.{attribute}>"

    def check_present(self, name: str) -> None:
        resource = self.template["Resources"][name]
        assert "Condition" not in resource or self.holds(resource["Condition"]), (
            f"{name} is named, but not made with these parameters"
        )

    def substitute(self, argument: Any) -> str:
        text, own = argument if isinstance(argument, list) else (argument, {})
        own = {key: self.value(each) for key, each in own.items()}

        def replaced(match: re.Match[str]) -> str:
            name = match[1]
            if name in own:
                return str(own[name])
            if "." in name:
                return self.attribute(*name.split(".", 1))
            return str(self.reference(name))

        return re.sub(r"\$\{([^}!]+)\}", replaced, text)
