"""What carries actors: cells, their mailboxes' queues, the run queue, lives and restarts."""
