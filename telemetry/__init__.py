"""Readings from a live site or a recording, in the words and units of the model."""
