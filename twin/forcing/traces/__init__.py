"""Recorded requests and request rates: one file per format, and what is computed of any of them."""
