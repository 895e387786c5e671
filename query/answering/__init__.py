"""From what was found to an answer: evidence, claims and their citations, with a model or without."""
