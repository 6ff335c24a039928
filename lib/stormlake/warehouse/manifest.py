"""The list of files that one COPY reads."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class ManifestFile:
    """One file of a manifest.

    Parameters
    ----------
    url : str
        `s3://bucket/key`, a full key.
    content_length : int
        Exact size in bytes, which COPY wants to know of Parquet.
    record_count : int or None
        Rows; ours to read back. None for text.
    """

    url: str
    content_length: int
    record_count: int | None = None


@dataclass(frozen=True)
class Manifest:
    """A manifest as it stands in S3.

    Parameters
    ----------
    url, etag : str
        Where, and which version.
    files : tuple of ManifestFile
        None at all when the scope has no rows: then there is no COPY.
    """

    url: str
    etag: str
    files: tuple[ManifestFile, ...]

    @property
    def rows(self) -> int | None:
        """Rows of all files; None where a file does not say."""
        counts = [file.record_count for file in self.files]
        return None if None in counts else sum(count or 0 for count in counts)


def manifest_text(files: Sequence[ManifestFile]) -> bytes:
    """Write a manifest: every entry is mandatory, or a missing file would be skipped in silence.

    Notes
    -----
    Form: Amazon Redshift Database Developer Guide, "Using a manifest to specify data files" and
    "COPY from columnar data formats".
    """
    entries = [
        {
            "url": file.url,
            "mandatory": True,
            "meta": {"content_length": file.content_length}
            | ({} if file.record_count is None else {"record_count": file.record_count}),
        }
        for file in files
    ]
    return json.dumps({"entries": entries}, indent=1, ensure_ascii=False).encode()
