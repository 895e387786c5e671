"""Jobs in words."""

from __future__ import annotations

from library.catalogue import open_catalogue
from library.describing import job_payload, job_words
from library.ledger import Ledger
from reelseek.settings import Settings


def test_jobs_are_told_by_what_they_work_on_and_secrets_are_not(settings: Settings) -> None:
    with open_catalogue(settings) as catalogue:
        ledger = Ledger(catalogue, settings.workers)
        told = [
            job_words(ledger.enqueue(kind, payload), catalogue)
            for kind, payload in (
                ("index", {"path": "/videos/na\udcffme.mp4"}),
                ("fetch", {"url": "https://me:s3cret@example.org/talk"}),
                ("notes", {"video_id": "f" * 32}),
                ("scan", {"library_id": 7}),
                ("gc", {}),
            )
        ]
        assert told[0] == "na�me.mp4"
        assert "s3cret" not in told[1]
        assert told[2:] == ["Notes of a video that was removed", "Scan of a removed folder", "Reclaiming space"]
        waiting = job_payload(ledger.jobs()[0], catalogue)
        assert (waiting["state"], waiting["finished_at"], waiting["error"]) == ("queued", None, "")
