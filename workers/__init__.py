"""What runs when: indexing a video, scanning libraries, Celery tasks and their schedule."""
