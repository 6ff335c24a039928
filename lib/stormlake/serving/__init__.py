"""Rows of the lake where applications look them up by a key."""
