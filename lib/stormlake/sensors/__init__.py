"""Sensor archives and logs: readers, record views, and the scoring of records."""
