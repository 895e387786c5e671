"""Videos in short: summaries, quotes, names, terms, reels; found in what is said, or written by a model."""
