"""Cloudflare's two analytics APIs: SQL over data points, and GraphQL over what it counts itself.

Sources: https://developers.cloudflare.com/analytics/analytics-engine/sql-api/ and
https://developers.cloudflare.com/analytics/graphql-api/
"""

from typing import Any

import httpx

from app_stacks.cloudflare_api import CloudflareApi
from app_stacks.cloudflare_error import CloudflareError

NEVER_WRITTEN = "unable to find type of table"
"""What SQL answers of a dataset to which no data point was ever written."""


class AnalyticsApi(CloudflareApi):
    """Needs the permission Account Analytics Read, and that to read the scripts of namespaces."""

    def rows(self, account_id: str, query: str) -> list[dict[str, Any]]:
        """The rows of a query; none of a dataset that does not exist before the first data point."""
        try:
            answer = self._answer("POST", f"/accounts/{account_id}/analytics_engine/sql", content=query.encode())
        except CloudflareError as error:
            if error.status == httpx.codes.UNPROCESSABLE_ENTITY and NEVER_WRITTEN in str(error):
                return []
            raise
        found: list[dict[str, Any]] = answer["data"]
        return found

    def account(self, query: str, account_id: str, **variables: Any) -> dict[str, Any]:
        """What GraphQL finds of the account `$account`. Raises `CloudflareError` for what it refuses, too."""
        body = {"query": query, "variables": {"account": account_id, **variables}}
        answer = self._answer("POST", "/graphql", json=body)
        if errors := answer.get("errors"):
            raise CloudflareError(f"POST /graphql: {'; '.join(str(error['message']) for error in errors)}")
        found: dict[str, Any] = answer["data"]["viewer"]["accounts"][0]
        return found
