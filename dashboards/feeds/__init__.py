"""The picture of a trace: where its boxes stand, and how they are drawn."""
