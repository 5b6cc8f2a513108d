"""A virtual facility: the engine with hidden parameters, seen through imperfect sensors, publishes as a BMS does."""
