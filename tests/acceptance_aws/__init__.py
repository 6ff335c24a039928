"""The same scenarios against AWS itself; only `make test-aws` names them, and they cost money."""
