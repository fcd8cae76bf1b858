#!/bin/sh
# Not Grafana, which Debian does not have: answers /api/health where Grafana would find what it needs.
set -eu
test -n "$LOADGATE_TOKEN"
test -s "$GF_SECURITY_ADMIN_PASSWORD__FILE"
cat "$GF_SECURITY_ADMIN_PASSWORD__FILE" >/dev/null
ls /etc/grafana/provisioning >/dev/null
ls "$GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH" >/dev/null
: >/var/lib/grafana/grafana.db
mkdir -p /tmp/srv/api
echo '{"database": "ok", "version": "a stand-in of the test"}' >/tmp/srv/api/health
exec busybox httpd -f -p 3000 -h /tmp/srv
