"""The sites and the equipment library that ship with halltwin: data only, read through twin.site."""
