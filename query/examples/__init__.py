"""Queries by example, and feedback."""
