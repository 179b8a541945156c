"""Benchmarks of the language model, one file a question."""
