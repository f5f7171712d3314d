"""What is said, to whom, carried by which organisations."""
