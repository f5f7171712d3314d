"""Email: how a message is drawn, how it travels, and how what comes back is read."""
