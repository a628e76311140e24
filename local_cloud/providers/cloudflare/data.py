"""D1 databases and R2 buckets: made and deleted, never changed.

Source: terraform-provider-cloudflare, internal/services/{d1_database,r2_bucket}/{schema,resource,model}.go.
"""

from local_cloud.providers.cloudflare.rest import RestResource
from local_cloud.providers.schema import Object, given, one_of, output, replacing, unsupported


class D1Database(RestResource):
    type = "cloudflare:index/d1Database:D1Database"
    collection = "/accounts/{accountId}/d1/database"
    item = "/accounts/{accountId}/d1/database/{id}"
    id_key = "uuid"
    import_id = ("accountId", "id")
    mutable = False
    shape = Object(
        {
            **replacing(
                {
                    "accountId": given(str, required=True, api=None),
                    "name": given(str, required=True),
                    "jurisdiction": given(str, rule=one_of("eu", "fedramp")),
                    "primaryLocationHint": given(str, rule=one_of("wnam", "enam", "weur", "eeur", "apac", "oc")),
                }
            ),
            **unsupported("fields", "readReplication"),
            **{name: output(str, stable=True) for name in ("createdAt", "uuid", "version")},
            **{name: output(float) for name in ("fileSize", "numTables")},
        }
    )


class R2Bucket(RestResource):
    """Its id is its name."""

    type = "cloudflare:index/r2Bucket:R2Bucket"
    collection = "/accounts/{accountId}/r2/buckets"
    item = "/accounts/{accountId}/r2/buckets/{id}"
    id_key = "name"
    import_id = ("accountId", "id", "jurisdiction")
    mutable = False
    shape = Object(
        {
            **replacing({"accountId": given(str, required=True, api=None), "name": given(str, required=True)}),
            **unsupported("jurisdiction", "location", "storageClass"),
            "creationDate": output(str, stable=True),
        }
    )
