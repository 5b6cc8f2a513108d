"""The pages on which people see a campus: heat maps, one-line diagrams, flows of heat and power."""
