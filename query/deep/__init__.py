"""Deep mode: an agent that searches, browses, reads, counts and looks, within a budget, and tells each step."""
