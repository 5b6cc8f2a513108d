"""A recording as columns: Parquet, Zarr."""
