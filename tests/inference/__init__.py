"""The inference model: queues, fleet, power."""
