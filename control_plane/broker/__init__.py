"""The deploy broker: what wrangler takes for Cloudflare's API, with a workflow run's identity token for an API token.

A run may write the one script that its repository, event and ref stand for, and nothing else. What reaches Cloudflare
is composed here: nothing of a request is passed on as it came.
"""
