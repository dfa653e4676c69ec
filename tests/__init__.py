"""The tests: they mirror the house, and add its stories, races and crashes."""
