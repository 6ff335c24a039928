"""Anomaly scores: forests, their series and states, and the Spark half that runs them."""
