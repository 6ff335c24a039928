"""How every command runs: its options, its log, its id, locks, CPU time, record and exit code."""
