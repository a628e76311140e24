"""What the platform costs, and each app's share of it."""
