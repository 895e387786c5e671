"""A video file in, artefacts out. No LanceDB, no Celery, no Flask."""
