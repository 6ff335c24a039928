"""Where rows go: the table definitions, and how a run is locked, written and recorded."""

from __future__ import annotations
