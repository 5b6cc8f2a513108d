"""The durable recording: MCAP files that survive a kill at any byte, written and read here."""
