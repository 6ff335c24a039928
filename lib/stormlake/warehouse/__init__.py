"""Amazon Redshift: what is exported, how COPY is told, and the one transaction of a load."""
