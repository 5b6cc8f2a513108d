"""Connections to a broker: a listener that acknowledges what is durable, a publisher with a window."""
