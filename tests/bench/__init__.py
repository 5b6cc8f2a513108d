"""How fast it is: every case next to a bar that was set before it was measured (``python -m tests.bench``)."""
