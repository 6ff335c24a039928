"""What is deployed: `emr/template.yaml` with the state machine of `emr/daily.asl.json` in it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final

from stormlake.errors import RefusedInput
from stormlake.lake.sources import shipped_file

_DEFINITION: Final = re.compile(r"^( +DefinitionString: ).*$", re.MULTILINE)


def template_body() -> str:
    """The template as CloudFormation gets it."""
    text = shipped_file("emr", "template.yaml").read_text(encoding="utf-8")
    machine = json.loads(shipped_file("emr", "daily.asl.json").read_text(encoding="utf-8"))
    # A JSON text is a double-quoted text of YAML, so nothing has to parse the template.
    inlined = json.dumps(json.dumps(machine, separators=(",", ":")))
    body, count = _DEFINITION.subn(lambda found: found[1] + inlined, text)
    assert count == 1, f"{count} lines of template.yaml say DefinitionString"
    return body


def template_parameters(body: str) -> dict[str, bool]:
    """Names of the template's parameters, and whether each has a default."""
    section = re.search(r"^Parameters:\n((?: .*\n|\n)+)", body, re.MULTILINE)
    assert section is not None
    entries = re.split(r"^  (\w+):\n", section[1], flags=re.MULTILINE)[1:]
    return {
        name: bool(re.search(r"^    Default:", entry, re.MULTILINE))
        for name, entry in zip(entries[::2], entries[1::2], strict=True)
    }


def checked_parameters(
    body: str, given: Mapping[str, str], kept: frozenset[str] | None
) -> list[dict[str, str | bool]]:
    """Parameters of a change set.

    Parameters
    ----------
    body : str
        The template.
    given : mapping of str to str
        What was asked for.
    kept : frozenset of str or None
        Names that the stack has values of, which stay; None for a new stack.

    Raises
    ------
    RefusedInput
        The template has no such parameter, or one without a default is missing.
    """
    known = template_parameters(body)
    for name in given:
        if name not in known:
            raise RefusedInput(
                f"--parameter {name}: the template has no such parameter; it has "
                f"{', '.join(sorted(known))}"
            )
    stays = (kept or frozenset()) & known.keys()
    missing = sorted(
        name
        for name, has_default in known.items()
        if not has_default and name not in given and name not in stays
    )
    if missing:
        raise RefusedInput(
            f"{', '.join(missing)} must be given: --parameter {missing[0]}=…; emr/README.md says "
            "what each is"
        )
    return [
        {"ParameterKey": name, "ParameterValue": given[name]}
        if name in given
        else {"ParameterKey": name, "UsePreviousValue": True}
        for name in known
        if name in given or name in stays
    ]
