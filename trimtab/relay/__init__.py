"""The relay: the only one that talks to Temporal on behalf of rows, and the firms' sequencer of events.

One leader at a time, by an advisory lock, inside some worker process.
"""
