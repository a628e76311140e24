"""`overskill rebuild`: the scripts of a platform, made again from what is kept of them."""
