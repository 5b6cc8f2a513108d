"""The contract of DSX Exchange as tables: objects, points, metadata; `telemetry.decode.dsx` reads messages by them."""
