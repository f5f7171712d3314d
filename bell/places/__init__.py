"""Where: the area tree and postcodes."""
