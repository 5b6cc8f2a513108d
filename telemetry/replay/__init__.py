"""A recording again, by the path of live messages or to a broker."""
