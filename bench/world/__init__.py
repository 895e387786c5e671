"""A generated library of short clips, drawn and spoken, of which everything is known: what search finds in it."""
