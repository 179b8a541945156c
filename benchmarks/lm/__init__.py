"""Benchmarks of the language model, by part; `myna bench training` runs them."""
