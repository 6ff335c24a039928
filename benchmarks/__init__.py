"""What is fast and how fast, against peers, in one run."""
