"""The charts of a request trace, one file each: ``build(summary) -> Chart | None``."""
