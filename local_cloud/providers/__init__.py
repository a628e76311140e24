"""Stand-in provider plugins: the packages `cloudflare` and `github`, for the resource types that this project uses.

They take the official plugins' place where those cannot be installed, under the same SDKs and the same engine, and talk
to nothing but the local cloud. Whatever they do not carry out they refuse by name, never silently.
"""
