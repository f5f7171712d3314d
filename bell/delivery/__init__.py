"""The post room: a text, an address, and what became of it."""
