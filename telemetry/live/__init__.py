"""The live twin: the engine steps along with what a site measures; both are kept side by side, and what differs."""
