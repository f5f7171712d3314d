"""What comes back in words and taps."""
