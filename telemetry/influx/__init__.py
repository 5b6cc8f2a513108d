"""Line protocol of InfluxDB, which Telegraf publishes; `telemetry.decode.influx` reads messages by it."""
