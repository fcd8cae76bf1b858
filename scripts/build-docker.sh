#!/usr/bin/env bash
# Builds the image, as loadgate:latest and, for those who know it by that name, fw-k6:latest.
#
#   scripts/build-docker.sh [ARGUMENT…]        arguments are docker build's; IMAGE=registry.example.com/loadgate:1 names it otherwise
#
#   docker run --rm --network host fw-k6:latest                                    1,000 users chat for 5 minutes
#   docker run --rm --network host -e VUS=500 -e DURATION=2m fw-k6:latest
#   docker run --rm --network host fw-k6:latest run config/plans/health.yml
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/compose.sh
source scripts/compose.sh

case ${1:-} in
    -h | --help)
        sed -n '2,9s/^# \{0,1\}//p' "$0"
        exit 0
        ;;
esac
command -v docker >/dev/null || die "docker is not installed (docs.docker.com/engine/install)"
image=${IMAGE:-loadgate:latest}
tags=(-t "$image")
if [[ -z ${IMAGE:-} ]]; then tags+=(-t fw-k6:latest); fi
echo "docker build ${tags[*]} $* ."
exec docker build "${tags[@]}" "$@" .
