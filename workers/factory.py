"""Makes the Celery app: its broker, its schedule, and what it leaves out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from celery import Celery

from reelseek.errors import StorageError
from reelseek.settings import Settings
from workers.schedule import beat_schedule

QUEUE = "reelseek"


def make_app(settings: Settings) -> Celery:
    """A Celery app over these settings. Nothing heavy is imported."""
    made = Celery("reelseek", include=["workers.tasks"])
    made.conf.update(
        accept_content=["json"],
        task_serializer="json",
        result_serializer="json",
        task_ignore_result=True,
        task_default_queue=QUEUE,
        task_create_missing_queues=True,
        worker_prefetch_multiplier=1,
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        worker_hijack_root_logger=False,
        worker_pool="solo",
        worker_cancel_long_running_tasks_on_connection_loss=False,
        broker_connection_retry_on_startup=True,
        timezone="UTC",
        enable_utc=True,
        beat_schedule=beat_schedule(settings.workers),
        beat_schedule_filename=str(run_folder(settings) / "beat-schedule"),
        **_broker(settings),
    )
    return made


def run_folder(settings: Settings) -> Path:
    """Where the processes of this data folder keep what they need while running."""
    return settings.data / "run"


def _broker(settings: Settings) -> dict[str, Any]:
    if settings.workers.broker:
        return {"broker_url": settings.workers.broker}
    folder = run_folder(settings) / "broker"
    messages, control = folder / "messages", folder / "control"
    try:
        for path in (messages, control):
            path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"The data folder cannot be written: {error}") from error
    return {
        "broker_url": "filesystem://localhost//",
        "broker_transport": "workers.transport:Transport",
        "broker_transport_options": {
            "data_folder_in": str(messages),
            "data_folder_out": str(messages),
            "control_folder": str(control),
            "polling_interval": 0.5,
        },
    }
