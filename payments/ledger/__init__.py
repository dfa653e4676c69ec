"""Reading the ledger: balances, ages, entries, and what must hold of them. Nothing here posts."""
