"""The live page: the lot at every moment, gestures that become YAML, runs to watch and rewind."""
