"""What is being done, and how far it is."""

from __future__ import annotations

from apiflask import APIBlueprint

from library.records import LIVE_JOB_STATES, Job, JobState
from reelseek.records import JsonObject
from web.backend import Backend, backend
from web.payloads import job_payload
from web.schemas import JobList, JobOut, JobsQuery


def register(api: APIBlueprint) -> None:
    """Add the routes."""

    @api.get("/jobs")
    @api.input(JobsQuery, location="query", arg_name="query")
    @api.output(JobList)
    def list_jobs(query: JobsQuery) -> JsonObject:
        """List jobs with stage and fraction; ask again every second or so for live progress."""
        return {"jobs": job_payloads(backend(), query.state, query.limit)}

    @api.post("/jobs/<number:job_id>/retry")
    @api.output(JobOut, status_code=202)
    def retry_job(job_id: int) -> JsonObject:
        """Queue a job again that failed, was set aside or cancelled."""
        return job_payload(backend().ledger.retry(job_id), backend().catalogue)


def job_payloads(served: Backend, state: str | None, limit: int) -> list[JsonObject]:
    """Jobs as they are sent: what runs first, then what waits, then the newest."""
    found: list[Job] = []
    if state == "active":
        for wanted in sorted(LIVE_JOB_STATES, reverse=True):  # running before queued
            found += served.ledger.jobs(state=wanted, limit=limit)
    else:
        found = list(served.ledger.jobs(state=JobState(state) if state else None, limit=limit))
    return [job_payload(job, served.catalogue) for job in found[:limit]]
