"""Other people's benchmarks: their ground truth, and predictions as their scorers have them."""

from bench.evaluation.formats import charades, hirest, momentseeker, qvhighlights, tvr
from bench.evaluation.formats.common import Format, Prediction, TrueMoment, Window

__all__ = ["FORMATS", "Format", "Prediction", "TrueMoment", "Window"]

FORMATS = {item.FORMAT.name: item.FORMAT for item in (qvhighlights, tvr, charades, momentseeker, hirest)}
"""By the name that `reelseek eval --format` takes."""
