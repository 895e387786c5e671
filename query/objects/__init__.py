"""What is detected: counts, comings and goings, and where things are to one another."""
