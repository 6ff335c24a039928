"""Which room may know of which: the arrows of the design, read from the imports."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "lib" / "stormlake"

ROOMS_BELOW = {
    # radar/ knows arrays and decoders; archive/ knows where bytes lie; lake/ knows where rows go.
    "radar": {"radar", "errors"},
    "archive": {"archive", "radar", "errors"},
    "sensors": {"sensors", "lake", "archive", "counters", "workers", "errors"},
    "lake": {"lake", "archive", "radar", "counters", "workers", "errors"},
    # The client of EMR runs no job itself; it knows their options, and the records they leave,
    # and tries what it packages on a sample.
    "emr": {
        *("emr", "running", "lake", "archive", "radar", "simulate"),
        *("runtimes", "spark", "java", "errors"),
    },
    "warehouse": {
        *("warehouse", "running", "lake", "archive", "sensors"),
        *("spark", "s3_access", "errors"),
    },
    "athena": {"athena", "running", "lake", "archive", "sensors", "errors"},
    # Rules look at rows of scores, whoever made them.
    "alerts": {"alerts", "lake", "running", "errors"},
    "serving": {"serving", "lake", "running", "errors"},
    # A forest knows numbers alone; whose they are, the readers tell.
    "scoring": {"scoring", "sensors", "lake", "counters", "workers", "errors"},
    "simulate": {"simulate", "radar", "errors"},
    "plots": {"plots", "lake", "radar", "errors"},
}
RADAR_MAY_IMPORT = {"numpy", "numba", "recast_radar", "pyart", "isal", "stormlake"}


def imports(path: Path) -> set[str]:
    """Every module that a file imports, wherever in the file."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            if node.module == "stormlake":
                found |= {f"stormlake.{alias.name}" for alias in node.names}
    return found


def files(room: str) -> list[Path]:
    found = sorted((PACKAGE / room).rglob("*.py"))
    assert found, f"no files in {room}"
    return found


@pytest.mark.parametrize("room", ROOMS_BELOW)
def test_a_room_imports_only_rooms_below_it(room: str) -> None:
    for path in files(room):
        ours = {m.split(".")[1] for m in imports(path) if m.startswith("stormlake.")}
        assert ours - {"__version__"} <= ROOMS_BELOW[room], path


def test_radar_imports_arrays_and_decoders_alone() -> None:
    import sys

    for path in files("radar"):
        roots = {module.split(".")[0] for module in imports(path)}
        foreign = roots - sys.stdlib_module_names - RADAR_MAY_IMPORT
        assert not foreign, f"{path}: {foreign}"


def test_spark_stands_in_the_lake_the_jobs_and_two_modules() -> None:
    knows = {
        path.relative_to(ROOT).as_posix()
        for path in sorted(PACKAGE.rglob("*.py"))
        if any(module.split(".")[0] == "pyspark" for module in runtime_imports(path))
    }
    outside = {path for path in knows if not path.startswith("lib/stormlake/lake/")}
    # The Spark half of the sensors is one module, and so are those of the scores and alerts.
    assert outside == {
        "lib/stormlake/alerts/frames.py",
        "lib/stormlake/scoring/frames.py",
        "lib/stormlake/spark.py",
        "lib/stormlake/sensors/frames.py",
    }


def test_nothing_imports_the_command_line_and_only_it_runs_jobs() -> None:
    for path in sorted(PACKAGE.rglob("*.py")):
        found = imports(path)
        assert path.name == "reference.py" or "stormlake.cli" not in found, path
        assert not any(module.startswith("stormlake.jobs") for module in found), path


def test_no_client_of_aws_is_made_when_a_module_is_imported() -> None:
    for path in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        at_import = [node for node in tree.body if isinstance(node, ast.Assign | ast.AnnAssign)]
        for node in at_import:
            assert "client(" not in ast.unparse(node) and "Session(" not in ast.unparse(node), path


def runtime_imports(path: Path) -> set[str]:
    """Imports that happen when code runs: those under TYPE_CHECKING are for the type checker."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = [ast.Pass()]
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found
