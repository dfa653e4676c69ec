"""The real code held against a small model that knows only what a shopper may count on."""
