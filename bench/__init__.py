"""Benchmarks and the retrieval evaluation. Speed is a ratio of two things measured side by side in one run."""
