"""Runs PostgreSQL, Temporal and trimtab's own processes on one machine, for demo, up and the tests.

`supervisor.Supervisor` owns the processes, `services.start_services` starts the two servers,
`state.running` tells other processes where they are.
"""
