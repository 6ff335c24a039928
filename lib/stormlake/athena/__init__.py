"""Amazon Athena and the Glue catalog: tables registered, questions asked, bytes counted."""
