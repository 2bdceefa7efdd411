"""Telemelya (PyPI), a Bot API server that nobody here wrote, as a process on loopback.

It wants Redis and an S3 store: both stand in the same process, as fakeredis and moto. Prints its port.
"""

from __future__ import annotations

import os
import socket
import sys
import threading


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def main() -> None:
    from fakeredis import TcpFakeServer
    from moto.server import ThreadedMotoServer

    redis = TcpFakeServer(("127.0.0.1", free_port()), server_type="redis")
    threading.Thread(target=redis.serve_forever, daemon=True).start()
    store = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    store.start()
    os.environ |= {
        "REDIS_URL": f"redis://127.0.0.1:{redis.server_address[1]}/0",
        "MINIO_ENDPOINT": "{}:{}".format(*store.get_host_and_port()),
    }
    import uvicorn
    from telemelya.server.app import app

    port = free_port()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning")


if __name__ == "__main__":
    main()
