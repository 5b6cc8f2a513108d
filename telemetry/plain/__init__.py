"""Mapping files of plain JSON and the points they make; `telemetry.decode.plain` reads messages by them."""
