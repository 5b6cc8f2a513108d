"""Sparkplug B 3.0: schema, payload reader and the state of edge nodes; `telemetry.decode.sparkplug` reads messages."""
