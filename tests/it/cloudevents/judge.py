"""CloudEvents' own SDK as the judge: each line of standard input is a message, each line of output what it says of it."""

import base64
import json
import sys

from cloudevents.core.bindings import http

for line in sys.stdin:
    message = json.loads(line)
    try:
        event = http.from_http_event(http.HTTPMessage(message["headers"], base64.b64decode(message["body"])))
        data = event.get_data()
        if isinstance(data, bytes):
            data = {"base64": base64.b64encode(data).decode()}
        said = {"attributes": {name: str(value) for name, value in event.get_attributes().items()}, "data": data}
    except Exception as error:
        said = {"refused": f"{type(error).__name__}: {error}"}
    print(json.dumps(said), flush=True)
