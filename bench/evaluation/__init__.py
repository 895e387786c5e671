"""How good retrieval is: benchmarks, metrics, prediction formats, queries of a library's own, and their history."""
