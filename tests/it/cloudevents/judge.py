"""CloudEvents' own SDK as the judge: each line of standard input is a message, each line of output what it says of it."""

import base64
import json
import sys

from cloudevents.core.bindings import amqp, http


def read(binding, headers, body):
    if binding == "http":
        return http.from_http_event(http.HTTPMessage(headers, body))
    properties = {name: value for name, value in headers.items() if name == "content-type"}
    application_properties = {name: value for name, value in headers.items() if name not in properties}
    return amqp.from_amqp_event(amqp.AMQPMessage(properties, application_properties, body))


for line in sys.stdin:
    message = json.loads(line)
    try:
        event = read(sys.argv[1], message["headers"], base64.b64decode(message["body"]))
        data = event.get_data()
        if isinstance(data, bytes):
            data = {"base64": base64.b64encode(data).decode()}
        said = {"attributes": {name: str(value) for name, value in event.get_attributes().items()}, "data": data}
    except Exception as error:
        said = {"refused": f"{type(error).__name__}: {error}"}
    print(json.dumps(said), flush=True)
