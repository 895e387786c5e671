"""Adapters of model libraries behind one Protocol per kind, their registry and their weights."""
