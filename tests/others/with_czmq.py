"""What users of CZMQ do with zcert, zcertstore and zauth, told line by line. Calls the library of the system.

create DIRECTORY NAME                makes a certificate; prints its public and secret key and its metadata
show FILE                            prints the same of a certificate; a secret key of zeros is none
store DIRECTORY KEY..                prints each key that the store in a directory knows
serve FILE DIRECTORY                 a CURVE server with the keys of FILE whose clients are in DIRECTORY;
                                     prints its endpoint, then who sends what
visit ENDPOINT FILE SERVER_FILE      a CURVE client that says hello
"""

import ctypes
import signal
import sys
from ctypes import c_char_p, c_int, c_size_t, c_void_p

PUSH, PULL = 8, 7

library = ctypes.CDLL("libczmq.so.4")


def call(name, result, *arguments):
    function = getattr(library, name)
    function.restype, function.argtypes = result, arguments
    return function


zcert_new = call("zcert_new", c_void_p)
zcert_load = call("zcert_load", c_void_p, c_char_p)
zcert_save = call("zcert_save", c_int, c_void_p, c_char_p)
zcert_set_meta = call("zcert_set_meta", None, c_void_p, c_char_p, c_char_p, c_char_p)
zcert_meta = call("zcert_meta", c_char_p, c_void_p, c_char_p)
zcert_public_txt = call("zcert_public_txt", c_char_p, c_void_p)
zcert_secret_txt = call("zcert_secret_txt", c_char_p, c_void_p)
zcert_apply = call("zcert_apply", None, c_void_p, c_void_p)
zcertstore_new = call("zcertstore_new", c_void_p, c_char_p)
zcertstore_lookup = call("zcertstore_lookup", c_void_p, c_void_p, c_char_p)
zsock_new = call("zsock_new", c_void_p, c_int)
zsock_bind = call("zsock_bind", c_int, c_void_p, c_char_p)
zsock_connect = call("zsock_connect", c_int, c_void_p, c_char_p)
zsock_endpoint = call("zsock_endpoint", c_char_p, c_void_p)
zsock_wait = call("zsock_wait", c_int, c_void_p)
zsock_set_zap_domain = call("zsock_set_zap_domain", None, c_void_p, c_char_p)
zsock_set_curve_server = call("zsock_set_curve_server", None, c_void_p, c_int)
zsock_set_curve_serverkey = call("zsock_set_curve_serverkey", None, c_void_p, c_char_p)
zactor_new = call("zactor_new", c_void_p, c_void_p, c_void_p)
zstr_send = call("zstr_send", c_int, c_void_p, c_char_p)
zstr_sendx = call("zstr_sendx", c_int, c_void_p, c_char_p, c_char_p, c_void_p)
zframe_recv = call("zframe_recv", c_void_p, c_void_p)
zframe_meta = call("zframe_meta", c_char_p, c_void_p, c_char_p)
zframe_data = call("zframe_data", c_void_p, c_void_p)
zframe_size = call("zframe_size", c_size_t, c_void_p)


def say(*words):
    print(*words, flush=True)


def some(what):
    """What a function of CZMQ gave, unless it failed."""
    if not what:
        sys.exit("CZMQ failed")
    return what


def tell(certificate):
    secret = zcert_secret_txt(certificate).decode()
    said = [zcert_meta(certificate, name) or b"-" for name in (b"email", b"name")]
    say(
        zcert_public_txt(certificate).decode(),
        "-" if secret == "0" * 40 else secret,
        *(value.decode() for value in said),
    )


def create(directory, name):
    certificate = some(zcert_new())
    zcert_set_meta(certificate, b"email", b"%s", b"jo@example.org")
    zcert_set_meta(certificate, b"name", b"%s", b"Jo Doe")
    if zcert_save(certificate, f"{directory}/{name}.key".encode()) != 0:
        sys.exit("not saved")
    tell(certificate)


def show(file):
    tell(some(zcert_load(file.encode())))


def store(directory, *keys):
    certificates = some(zcertstore_new(directory.encode()))
    for key in keys:
        if zcertstore_lookup(certificates, key.encode()):
            say(key)


def serve(file, directory):
    judge = some(zactor_new(ctypes.cast(library.zauth, c_void_p), None))
    for command, argument in ((b"ALLOW", b"127.0.0.1"), (b"CURVE", directory.encode())):
        zstr_sendx(judge, command, argument, None)
        zsock_wait(judge)
    socket = some(zsock_new(PULL))
    zcert_apply(some(zcert_load(file.encode())), socket)
    zsock_set_curve_server(socket, 1)
    zsock_set_zap_domain(socket, b"global")
    some(zsock_bind(socket, b"tcp://127.0.0.1:*"))
    say(zsock_endpoint(socket).decode())
    while True:
        frame = some(zframe_recv(socket))
        user = (zframe_meta(frame, b"User-Id") or b"-").decode()
        say(user, ctypes.string_at(zframe_data(frame), zframe_size(frame)).decode())


def visit(endpoint, file, server_file):
    socket = some(zsock_new(PUSH))
    zcert_apply(some(zcert_load(file.encode())), socket)
    server = some(zcert_load(server_file.encode()))
    zsock_set_curve_serverkey(socket, zcert_public_txt(server))
    zsock_connect(socket, endpoint.encode())
    zstr_send(socket, b"hello")
    signal.pause()


if __name__ == "__main__":
    signal.alarm(60)  # whatever becomes of the test
    globals()[sys.argv[1]](*sys.argv[2:])
