"""What is said and written: its words, its meaning, and which passages answer."""
