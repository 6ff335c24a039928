"""Spark jobs, one file each: read, transform, write, report."""
