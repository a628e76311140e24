"""What each app uses: read from Cloudflare hour by hour, kept as hours and days, held against quotas."""
