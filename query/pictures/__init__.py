"""What is seen: descriptions, likeness, and stretches of pictures."""
