"""From a broker to the disk: what is delivered is durable before it is acknowledged."""
