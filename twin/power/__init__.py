"""The electrical chain from the grid to the rack, and where every watt of loss becomes heat."""
