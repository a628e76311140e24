"""What it takes to make apps: ours, what a user would write instead, and the least that it can take, in one run."""
