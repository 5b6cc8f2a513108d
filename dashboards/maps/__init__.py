"""Charts of a map, one file each: ``build(source) -> Chart``."""
