"""The EMR client: package, deploy, submit, follow, cancel, pay. Knows no Spark."""
