"""Archives that nobody measured: made from a seed, with the truth written beside them."""
