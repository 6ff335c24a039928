"""The stores of the lake's tests: a folder, and a bucket of a real S3 protocol server."""

from tests.lake.conftest import s3, store

__all__ = ["s3", "store"]
