"""The catalogue: libraries, videos, jobs, saved searches, API keys."""
