"""A way between a driver and its server that breaks, after a number of bytes chosen at random."""
import random
import socket
import struct
import threading

# Resets, so that what is under way is lost, too.
RESET = struct.pack("ii", 1, 0)
CHUNK_BYTES = 512


class CuttingProxy(object):
    """Passes connections on to `port`, and cuts each after `least` to `most` bytes of both ways."""

    def __init__(self, port, least, most, seed):
        self.target, self.least, self.most = port, least, most
        self.random = random.Random(seed)
        self.cuts = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return  # Closed.
            try:
                server = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                client.close()
                continue
            left = [self.random.randint(self.least, self.most)]
            for pair in ((client, server), (server, client)):
                threading.Thread(target=self.pass_on, args=(*pair, left), daemon=True).start()

    def pass_on(self, source, target, left):
        """`left` is shared by both ways."""
        try:
            while left[0] > 0:
                data = source.recv(min(CHUNK_BYTES, left[0]))
                if not data:
                    break
                target.sendall(data)
                left[0] -= len(data)
            else:
                self.cuts += 1
        except OSError:
            pass  # The other way has cut it.
        for end in (source, target):
            try:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                end.shutdown(socket.SHUT_RDWR)
                end.close()
            except OSError:
                pass

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
