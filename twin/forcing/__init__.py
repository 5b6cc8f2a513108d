"""What drives a site from outside: weather, inference load, events."""
