#!/usr/bin/env bash
# Fetch one commit (or all of the history) of a repository of the local cloud, and check it out.
set -euo pipefail

refuse() {
    echo "::error::actions/checkout on this machine does not serve $1"
    exit 1
}
[[ $SUBMODULES == false ]] || refuse submodules
[[ $LFS == false ]] || refuse lfs
[[ -z $SPARSE ]] || refuse sparse-checkout
[[ -z $SSH_KEY ]] || refuse ssh-key

mkdir -p "$GITHUB_WORKSPACE/$FOLDER"
cd "$GITHUB_WORKSPACE/$FOLDER"
[[ -e .git ]] || git init --quiet --initial-branch=main .
git remote add origin "$GITHUB_SERVER_URL/$REPOSITORY" 2>/dev/null || git remote set-url origin "$GITHUB_SERVER_URL/$REPOSITORY"
# By file and not by argument: the process list is everybody's.
header="http.$GITHUB_SERVER_URL/.extraheader"
credentials="$(printf 'x-access-token:%s' "$TOKEN" | base64 | tr -d '\n')"
config="$(git rev-parse --absolute-git-dir)/config"
git config --unset-all "$header" || true
printf '[http "%s/"]\n\textraheader = AUTHORIZATION: basic %s\n' "$GITHUB_SERVER_URL" "$credentials" >>"$config"

if [[ -z $REF && $REPOSITORY == "$GITHUB_REPOSITORY" ]]; then
    wanted=$GITHUB_SHA name=$GITHUB_REF
else
    wanted=${REF:-HEAD} name=${REF:-HEAD}
fi
options=(--quiet --no-recurse-submodules)
[[ $DEPTH == 0 ]] || options+=("--depth=$DEPTH")
[[ $TAGS == true || $DEPTH == 0 ]] && options+=(--tags) || options+=(--no-tags)
[[ -z $FILTER ]] || options+=("--filter=$FILTER")
[[ $CLEAN != true ]] || git clean -ffdxq
git fetch "${options[@]}" origin "$wanted"
commit=$(git rev-parse 'FETCH_HEAD^{commit}')
if [[ $DEPTH == 0 ]]; then
    git fetch --quiet --tags origin '+refs/heads/*:refs/remotes/origin/*'
fi
case $name in
    refs/heads/*) branch=${name#refs/heads/} ;;
    refs/* | HEAD) branch= ;;
    *) git ls-remote --exit-code --heads origin "$name" >/dev/null && branch=$name || branch= ;;
esac
if [[ -n $branch ]]; then
    git update-ref "refs/remotes/origin/$branch" "$commit"
    git checkout --quiet --force -B "$branch" "$commit"
    git branch --quiet --set-upstream-to="origin/$branch" 2>/dev/null || true
else
    git checkout --quiet --force --detach "$commit"
fi
[[ $PERSIST == true ]] || git config --unset-all "$header"
printf 'ref=%s\ncommit=%s\n' "$name" "$commit" >>"$GITHUB_OUTPUT"
echo "HEAD is now at $(git log -1 --format='%h %s')"
