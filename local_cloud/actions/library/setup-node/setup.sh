#!/usr/bin/env bash
# No Node is installed: there is one, and a workflow that asks for another major version fails.
set -euo pipefail

fail() {
    echo "::error::$1"
    exit 1
}
[[ -z $REGISTRY ]] || fail "actions/setup-node on this machine does not serve registry-url: npm's own settings hold"
there=$(node --version) || fail "there is no Node on the PATH of the local cloud: start it with ./dev up"
if [[ -z $VERSION && -n $VERSION_FILE ]]; then
    case $VERSION_FILE in
        *package.json) VERSION=$(node -p 'const p=require(process.argv[1]);p.volta?.node??p.engines?.node??""' "$PWD/$VERSION_FILE") ;;
        *) VERSION=$(<"$VERSION_FILE") ;;
    esac
fi
major=${there#v} major=${major%%.*}
case $VERSION in
    '' | 'lts/*' | lts | latest | current | node | '*') ;;
    '>='*)
        least=${VERSION//[^0-9.]/}
        ((major >= ${least%%.*})) || fail "Node $VERSION is asked for, this machine has $there"
        ;;
    *)
        asked=${VERSION#[v^~=]}
        [[ ${asked%%.*} == "$major" ]] || fail "Node $VERSION is asked for, this machine has $there"
        ;;
esac
echo "node-version=$there" >>"$GITHUB_OUTPUT"
echo "Node $there, npm $(npm --version)"
