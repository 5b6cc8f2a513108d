"""Pictures of headroom."""
