"""The Celery app. Run as `celery -A workers.app worker --pool solo`.

The broker is a doorbell: a message says that there may be work, and the ledger says which. A message may be lost or
come twice. Workers use the `solo` pool: one process runs one job in its main thread. So a worker that is killed leaves
no child behind that goes on working, and nothing that is not safe to fork (LanceDB, CUDA) is ever forked. More workers
are more processes.
"""

from __future__ import annotations

import logging
import sys
import warnings
from typing import Any

from celery.platforms import SecurityWarning
from celery.signals import setup_logging

from reelseek.settings import load_settings
from workers.factory import make_app

# Celery warns of root because of pickled messages; ours are JSON only, and in a container root is usual.
warnings.filterwarnings("ignore", category=SecurityWarning)

app = make_app(load_settings())


@setup_logging.connect  # type: ignore[untyped-decorator]  # Celery has no types
def _log_our_own(**_: Any) -> None:
    """What jobs do is told; that a message came in is not."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("workers").setLevel(logging.INFO)
