"""The present state: the newest reading of every point, what is stale, whose clock is off."""
