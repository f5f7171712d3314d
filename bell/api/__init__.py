"""The face of machines: the LMTP door and gateways' webhooks."""
