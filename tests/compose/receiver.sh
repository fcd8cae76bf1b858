#!/bin/sh
# What Alertmanager tells, a line for each notification, as a CGI program of busybox' httpd.
head -c "$CONTENT_LENGTH" >>/tmp/notifications
echo >>/tmp/notifications
printf 'Content-Type: text/plain\r\n\r\nheard\n'
