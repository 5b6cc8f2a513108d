"""The charts of the report, one file each: ``build(source)`` gives a chart, or None where the run lacks its data."""
