"""Benchmarks and the retrieval evaluation."""
