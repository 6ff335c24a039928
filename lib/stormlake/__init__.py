"""Stormlake: PySpark batch jobs that turn raw archives into tables people can query."""

__version__ = "0.1.0"
