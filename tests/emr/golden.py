"""Golden files: what a command prints with --dry-run, kept beside the tests.

    printed = run("emr", "submit", "--dry-run", ...)
    check_golden("submit_cluster", printed, {key: "RUN-KEY", code: "CODE"})

What changes with every commit (the hash of the code, and with it the run key) is computed by the
test, without the command, and stands in the file as a placeholder. To write the files anew after
a change that was meant:

    STORMLAKE_GOLDEN=write python -m pytest tests/emr tests/warehouse -k golden
"""

from __future__ import annotations

import difflib
import json
import os
from collections.abc import Mapping
from pathlib import Path

FOLDER = Path(__file__).parent / "golden"

CALL = {"service", "operation", "parameters"}


def check_golden(
    name: str,
    printed: str,
    placeholders: Mapping[str, str] | None = None,
    folder: Path = FOLDER,
) -> None:
    """Assert that what was printed is the golden file `<name>.json`, byte for byte.

    Parameters
    ----------
    name : str
        The file's name without `.json`.
    printed : str
        All of stdout.
    placeholders : mapping of str to str, optional
        Text -> its placeholder; each must occur, a longer text is replaced before a shorter one.
    folder : Path
        Where the file lies.
    """
    calls = json.loads(printed)
    assert all(set(call) == CALL for call in calls), f"no list of calls: {printed[:300]}"
    text = printed
    for value, placeholder in sorted((placeholders or {}).items(), key=lambda x: -len(x[0])):
        assert value in text, f"{placeholder} {value!r} does not occur in {printed}"
        text = text.replace(value, f"<{placeholder}>")
    path = folder / f"{name}.json"
    if os.environ.get("STORMLAKE_GOLDEN") == "write":
        path.write_text(text, encoding="utf-8")
    kept = path.read_text(encoding="utf-8") if path.exists() else ""
    lines = difflib.unified_diff(
        kept.splitlines(), text.splitlines(), f"golden/{path.name}", "printed", lineterm=""
    )
    assert kept == text, "\n".join(lines)
