"""What goes out beside our own messages: share kits, picture cards, feeds, lists of an area."""
