"""The fault matrix: what may happen to a post room in a bad night, made to happen, and what must hold all the same.

Each scenario is drawn from a seed, so that one number replays a failure: `make faults SEEDS=50`, or one of them by
`pytest -m faults tests/faults -k "..." --seed 17`. Real workers (bell.worker.loop) run in processes of their own on a
database of their own; the relay and the gateway that misbehave keep a spool, and the oracle reads that and plain SQL.
"""
