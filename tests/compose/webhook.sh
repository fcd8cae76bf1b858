#!/bin/sh
# What Alertmanager tells, a line for each notification, as a CGI program of busybox' httpd.
body=$(head -c "$CONTENT_LENGTH")
# One write: several may come at a time.
printf '%s %s\n' "$QUERY_STRING" "$body" >>/tmp/notifications
printf 'Content-Type: text/plain\r\n\r\nheard\n'
