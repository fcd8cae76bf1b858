# A server of gRPC that shares nothing with ours: Python's grpcio, with its own protobuf and reflection (v1alpha).
import argparse
import os
import sys
import time
from concurrent import futures

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from grpc_reflection.v1alpha import reflection

arguments = argparse.ArgumentParser()
arguments.add_argument("descriptors")
arguments.add_argument("--port", default="0")
arguments.add_argument("--no-reflection", action="store_true")
arguments.add_argument("--tls", nargs=3, metavar=("CERT", "KEY", "CLIENT_CA"))
arguments = arguments.parse_args()

pool = descriptor_pool.Default()
with open(arguments.descriptors, "rb") as file:
    for described in descriptor_pb2.FileDescriptorSet.FromString(file.read()).file:
        pool.AddSerializedFile(described.SerializeToString())
Request = message_factory.GetMessageClass(pool.FindMessageTypeByName("peer.v1.Request"))
Reply = message_factory.GetMessageClass(pool.FindMessageTypeByName("peer.v1.Reply"))
STATUSES = {status.value[0]: status for status in grpc.StatusCode}


def reply(request, context, count=1):
    if request.text == "die":
        os._exit(1)
    time.sleep(request.delay_ms / 1000)
    context.send_initial_metadata([("x-first", "one")])
    context.set_trailing_metadata([("x-last", "two")])
    if request.status:
        context.abort(STATUSES[request.status], "as was asked for")
    metadata = {key: value for key, value in context.invocation_metadata() if isinstance(value, str)}
    left = context.time_remaining()
    return Reply(text=request.text[::-1], data=b"x" * request.size, metadata=metadata, count=count,
                 has_deadline=left is not None and left < 3600)


def many(request, context):
    if request.status:
        yield Reply(count=0)
        context.abort(STATUSES[request.status], "half-way")
    for count in range(request.times):
        yield Reply(text=request.text, count=count, data=b"x" * request.size)


def total(requests, context):
    numbers = [number for request in requests for number in request.numbers]
    return Reply(count=sum(numbers), text=str(len(numbers)))


def chat(requests, context):
    for count, request in enumerate(requests):
        if request.status:
            context.abort(STATUSES[request.status], "enough")
        yield Reply(text=request.text[::-1], count=count)


def handler(kind, function):
    return kind(function, request_deserializer=Request.FromString, response_serializer=Reply.SerializeToString)


server = grpc.server(futures.ThreadPoolExecutor(max_workers=16), options=[("grpc.so_reuseport", 0)])
server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("peer.v1.Peer", {
    "Say": handler(grpc.unary_unary_rpc_method_handler, reply),
    "Many": handler(grpc.unary_stream_rpc_method_handler, many),
    "Sum": handler(grpc.stream_unary_rpc_method_handler, total),
    "Chat": handler(grpc.stream_stream_rpc_method_handler, chat),
})])
if not arguments.no_reflection:
    reflection.enable_server_reflection(["peer.v1.Peer", reflection.SERVICE_NAME], server)
address = f"127.0.0.1:{arguments.port}"
if arguments.tls:
    certificate, key, client_ca = (open(path, "rb").read() for path in arguments.tls)
    credentials = grpc.ssl_server_credentials([(key, certificate)], client_ca, require_client_auth=True)
    port = server.add_secure_port(address, credentials)
else:
    port = server.add_insecure_port(address)
server.start()
print("listening on", port, flush=True)
# Ends with whoever started it.
sys.stdin.read()
os._exit(0)
