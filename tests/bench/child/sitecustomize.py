"""In a measured process AWS's and WeChat Pay's hosts are the canned server on this machine; there is no other host."""

import os
import socket

_HOSTS = frozenset(os.environ["BENCH_HOSTS"].split(","))
_PLACE = ("127.0.0.1", int(os.environ["BENCH_PORT"]))
_lookup = socket.getaddrinfo


def getaddrinfo(host, port, *given, **named):
    """As the system's."""
    if host in _HOSTS and port in (443, "443"):
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", _PLACE)]
    if host == "127.0.0.1":
        return _lookup(host, port, *given, **named)
    raise socket.gaierror(socket.EAI_NONAME, f"{host}:{port} is no host of the benchmark")


socket.getaddrinfo = getaddrinfo
