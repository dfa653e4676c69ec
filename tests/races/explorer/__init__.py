"""Every way in which two or three runs of our own code can get into each other's steps.

Each actor has a thread and a connection of its own, and exactly one moves at a time: by one SQL
statement, one COMMIT or ROLLBACK, or one request to the processor. A schedule says who. All
schedules with up to two preemptions are played, and after each one the world is let come to
rest and is held against our rows and the processor's journal.
"""
