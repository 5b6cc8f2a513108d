"""Pictures of a run through faults: what happened in order, and what racks, water and power did meanwhile."""
