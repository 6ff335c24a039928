"""Small wheels made by hand, the lock that pins them, and a pip that sees nothing else.

one = wheel(tmp_path, "one", files={"one/__init__.py": b"ONE = 1"})
only(tmp_path, monkeypatch)
build_archive(target, lock(one), path)
"""

from __future__ import annotations

import base64
import hashlib
import io
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest


def wheel(
    folder: Path,
    name: str,
    version: str = "1.0",
    tag: str = "py3-none-any",
    files: Mapping[str, bytes] | None = None,
    python: str | None = None,
) -> Path:
    """Write a wheel with these files; `python` is its Requires-Python."""
    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    if python is not None:
        metadata += f"Requires-Python: {python}\n"
    tags = "".join(
        f"Tag: {interpreter}-{abi}-{platform}\n"
        for interpreter, abi, platforms in [tag.split("-")]
        for platform in platforms.split(".")
    )
    content = {
        **(files or {f"{name}.py": b"VALUE = 1\n"}),
        f"{info}/METADATA": metadata.encode(),
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\n{tags}".encode(),
    }
    record = "".join(
        f"{path},sha256={_digest(data)},{len(data)}\n" for path, data in content.items()
    )
    content[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
    path = folder / f"{name}-{version}-{tag}.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for each, data in content.items():
            archive.writestr(each, data)
    return path


def source(folder: Path, name: str, version: str = "1.0") -> Path:
    """Write a source distribution."""
    path = folder / f"{name}-{version}.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        data = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode()
        entry = tarfile.TarInfo(f"{name}-{version}/PKG-INFO")
        entry.size = len(data)
        tar.addfile(entry, io.BytesIO(data))
    return path


def lock(*files: Path) -> bytes:
    """A lock file that pins these files, in this order."""
    lines = []
    for file in files:
        name, version = file.name.removesuffix(".tar.gz").split("-")[:2]
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        lines.append(f"{name}=={version} \\\n    --hash=sha256:{digest}\n")
    return "".join(lines).encode()


def only(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pip find what lies in the folder, and nothing else."""
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")
