"""Backups with proof: taken at one moment, verified without a database, restored so that nothing is sent twice."""
