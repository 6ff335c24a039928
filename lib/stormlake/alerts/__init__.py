"""Alerts: the rules, the rows that they give, and the protocol that tells each of them once."""
