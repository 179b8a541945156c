"""Benchmarks of the language model, one part each; `myna bench training` runs them."""
