"""What ours is compared with: a view that only inserts, with an idempotency package."""
