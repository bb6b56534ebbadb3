"""What users of pyzmq do with certificates and with its Authenticator, told line by line.

create DIRECTORY NAME                makes a certificate; prints its public and secret key
show FILE                            prints the public key of a certificate, and the secret one or -
store DIRECTORY KEY..                prints each of these keys that is in a directory
serve FILE DIRECTORY                 a CURVE server with the keys of FILE whose clients are in DIRECTORY;
                                     prints its endpoint, then who sends what
visit ENDPOINT FILE SERVER_FILE      a CURVE client that says hello
handle KIND ENDPOINT DIRECTORY [FILE PROGRAMS]
                                     an Authenticator (thread or asyncio) for the clients in DIRECTORY and
                                     for admin, offered to the programs in PROGRAMS; prints its endpoint
"""

import asyncio
import signal
import sys

import zmq
import zmq.asyncio
import zmq.auth
from zmq.auth.asyncio import AsyncioAuthenticator
from zmq.auth.thread import ThreadAuthenticator

import zap_forwarder


def say(*words):
    print(*words, flush=True)


def create(directory, name):
    metadata = {"email": "jo@example.org", "name": "Jo Doe"}
    _, secret_file = zmq.auth.create_certificates(directory, name, metadata)
    show(secret_file)


def show(file):
    public, secret = zmq.auth.load_certificate(file)
    say(public.decode(), secret.decode() if secret else "-")


def store(directory, *keys):
    known = zmq.auth.load_certificates(directory)
    for key in keys:
        if key.encode() in known:
            say(key)


def secure(socket, file):
    socket.curve_publickey, socket.curve_secretkey = zmq.auth.load_certificate(file)


def serve(file, directory):
    context = zmq.Context()
    judge = ThreadAuthenticator(context)
    judge.start()
    judge.allow("127.0.0.1")
    judge.configure_curve(domain="*", location=directory)
    socket = context.socket(zmq.PULL)
    secure(socket, file)
    socket.curve_server = True
    socket.bind("tcp://127.0.0.1:*")
    say(socket.last_endpoint.decode())
    while True:
        message = socket.recv(copy=False)
        say(message.get("User-Id"), bytes(message).decode())


def visit(endpoint, file, server_file):
    socket = zmq.Context().socket(zmq.PUSH)
    secure(socket, file)
    socket.curve_serverkey, _ = zmq.auth.load_certificate(server_file)
    socket.connect(endpoint)
    socket.send(b"hello")
    signal.pause()


def configured(judge, directory):
    judge.start()
    judge.allow("127.0.0.1")
    judge.configure_plain(domain="*", passwords={"admin": "correct"})
    judge.configure_curve(domain="*", location=directory)
    return judge


def front(endpoint, protection):
    """A REP in a context of its own, and another Authenticator, who knows the programs that may ask."""
    context = zmq.Context()
    socket = context.socket(zmq.REP)
    doorkeeper = ThreadAuthenticator(context)
    doorkeeper.start()
    if protection:
        file, programs = protection
        doorkeeper.configure_curve(domain="*", location=programs)
        secure(socket, file)
        socket.curve_server = True
    socket.bind(endpoint)
    say(socket.last_endpoint.decode())
    return socket, doorkeeper


def handle(kind, endpoint, directory, *protection):
    # An Authenticator stops when nobody holds it.
    if kind == "thread":
        context = zmq.Context()
        judge = configured(ThreadAuthenticator(context), directory)
        socket, doorkeeper = front(endpoint, protection)
        zap_forwarder.forward(socket, context)
    else:
        asyncio.run(handle_async(endpoint, directory, protection))


async def handle_async(endpoint, directory, protection):
    context = zmq.asyncio.Context()
    judge = configured(AsyncioAuthenticator(context), directory)
    socket, doorkeeper = front(endpoint, protection)
    await zap_forwarder.forward_async(zmq.asyncio.Socket.from_socket(socket), context)


if __name__ == "__main__":
    signal.alarm(60)  # whatever becomes of the test
    globals()[sys.argv[1]](*sys.argv[2:])
