"""What stands between the builder, GitHub and Cloudflare: webhooks, the deploy broker, provisioning, the dashboard.

It knows the platform by `Settings`, the apps by its database, and runs no engine: `overskill serve` gives it one.
"""
