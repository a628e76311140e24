"""R2: objects in the store, the same for the API and for the binding that a Worker has.

An object is a document of `r2_objects`, by bucket and key: `{key, version, size, etag, uploaded, http_metadata,
custom_metadata, checksums, storage_class, parts: [{blob, size}]}`. `uploaded` is in milliseconds since 1970, the names
in `http_metadata` are the binding's (`contentType`), checksums are in hexadecimal digits.
An upload in parts is a document of `r2_uploads` by bucket and id, each part one of `r2_parts` by upload and number,
until all become one object.
"""
