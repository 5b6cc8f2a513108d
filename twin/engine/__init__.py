"""The time loop: one compiled step over all racks, run in blocks, recorded to Zarr."""
