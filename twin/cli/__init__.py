"""The command line twin: parses, imports lazily, calls, prints. No logic lives here."""
