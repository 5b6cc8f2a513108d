"""A site from telemetry: what metadata tell of equipment and of what feeds what, as a site file."""
