"""The page at the local cloud's root: what is in it, the last requests, and buttons that change it whole."""
