"""Runs into one calibrated list: fused, joined over time, explained, placed."""
