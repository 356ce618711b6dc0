"""What PBXs that are followed by events have in common."""
