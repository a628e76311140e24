#!/bin/bash
# What a platform team writes first: a loop over the apps of curl for GitHub and wrangler for Cloudflare.
# The environment has API (GitHub's), GITHUB_TOKEN, ORGANIZATION, TEMPLATE, WEBHOOK, RULESET, EVENTS, CODE and what
# wrangler needs; each line of the standard input is `app script:namespace script:namespace ...`.
set -euo pipefail

github() { # method, path, body
    curl -sS --fail-with-body --retry 20 --retry-all-errors --noproxy '*' -X "$1" "$API/$2" \
        -H "Authorization: Bearer $GITHUB_TOKEN" -H "Content-Type: application/json" ${3:+-d "$3"}
}

seal() { # a text for the public key on the standard input, as GitHub wants it
    python -c '
import base64, json, sys
from nacl.public import PublicKey, SealedBox
key = json.load(sys.stdin)
sealed = SealedBox(PublicKey(base64.b64decode(key["key"]))).encrypt(sys.argv[1].encode())
print(json.dumps({"encrypted_value": base64.b64encode(sealed).decode(), "key_id": key["key_id"]}))
' "$1"
}

while read -r app scripts; do
    repository=repos/$ORGANIZATION/$app
    github POST "repos/$TEMPLATE/generate" "{\"owner\": \"$ORGANIZATION\", \"name\": \"$app\", \"private\": true}"
    github PATCH "$repository" '{"has_issues": false, "has_projects": false, "has_wiki": false, "delete_branch_on_merge": true}'
    github PUT "$repository/topics" '{"names": ["overskill"]}'
    github POST "$repository/rulesets" "$RULESET"
    for environment in $ENVIRONMENTS; do
        github PUT "$repository/environments/$environment" '{}'
    done
    github POST "$repository/actions/variables" "{\"name\": \"OVERSKILL_APP\", \"value\": \"$app\"}"
    github PUT "$repository/actions/secrets/OVERSKILL_WEBHOOK_SECRET" \
        "$(github GET "$repository/actions/secrets/public-key" | seal "secret-of-$app")"
    github POST "$repository/hooks" "{\"events\": $EVENTS, \"config\": {\"url\": \"$WEBHOOK\", \"content_type\": \"json\", \"secret\": \"secret-of-$app\"}}"
    for pair in $scripts; do
        wrangler deploy "$CODE" --name "${pair%%:*}" --dispatch-namespace "${pair##*:}" \
            --compatibility-date "$COMPATIBILITY_DATE" --var "OVERSKILL_APP:$app" --tag "app-$app" </dev/null
    done
done
