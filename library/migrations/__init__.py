"""Alembic's environment: run by `library.database` when a catalogue is opened."""
