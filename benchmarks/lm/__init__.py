"""Benchmarks of the language model, one part a file; `benchmarks/training.py` calls them."""
