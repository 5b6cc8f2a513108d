"""What is in a recording."""
