"""What the control plane can take: webhooks a second, watchers at once, pages with very many apps."""
