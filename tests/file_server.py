"""A server on this machine that has files, and goes wrong as asked. Nothing of it leaves the machine."""

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class FileServer:
    """Has files by their names, and notes which are asked for.

    `faults` says, by name, what goes wrong: a number is answered instead of the
    file, "dies" breaks off half way, "silent" answers nothing until the server
    is closed, "endless" never comes to an end, and bytes come instead of the
    file.
    """

    def __init__(self, files):
        self.files = dict(files)
        self.faults = {}
        self.asked_for = []
        self.closing = threading.Event()
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                owner.answer(self)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/some/folder/"

    def answer(self, handler):
        folder, _, name = handler.path.rpartition("/")
        self.asked_for.append(name)
        fault = self.faults.get(name)
        if fault == "silent":
            self.closing.wait()
            return
        if isinstance(fault, int) or folder != "/some/folder" or name not in self.files:
            handler.send_error(fault if isinstance(fault, int) else 404)
            return
        content = fault if isinstance(fault, bytes) else self.files[name]
        handler.send_response(200)
        if fault != "endless":
            handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content[: len(content) // 2] if fault == "dies" else content)
        while fault == "endless" and not self.closing.wait(0.01):
            try:
                handler.wfile.write(bytes(2**16))
            except OSError:  # nobody listens any more
                return

    @contextmanager
    def running(self):
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield self
        finally:
            self.closing.set()
            self._server.shutdown()
            thread.join()
            self._server.server_close()
