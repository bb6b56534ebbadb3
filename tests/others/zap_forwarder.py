"""Makes an Authenticator of pyzmq, which listens within its process only, the handler of other programs.

They ask at `front`, a REP that is bound where they reach it; `context` is that of the Authenticator.
"""

import zmq

HANDLER = "inproc://zeromq.zap.01"


def forward(front, context):
    back = context.socket(zmq.REQ)
    back.connect(HANDLER)
    while True:
        back.send_multipart(front.recv_multipart())
        front.send_multipart(back.recv_multipart())


async def forward_async(front, context):
    back = context.socket(zmq.REQ)
    back.connect(HANDLER)
    while True:
        await back.send_multipart(await front.recv_multipart())
        await front.send_multipart(await back.recv_multipart())
