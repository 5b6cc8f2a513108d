"""Site files: read, checked to the line and column, lowered into columns of numbers."""
