"""How the ledger's schema came to be, one step a file, applied when a ledger is opened."""

HEAD = "0011"
