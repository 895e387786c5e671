"""The query language: text in, a `Query` out."""
