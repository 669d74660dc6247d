"""S3 in this process (moto), whose answers can go wrong."""

import threading

from moto.server import DomainDispatcherApplication, create_backend_app
from pyarrow import fs
from werkzeug.serving import make_server


class FaultyS3:
    """A server that refuses, or loses the answer of, as many of the next writing requests as it is told."""

    def __init__(self):
        self.refuse = 0
        self.lose_answer = 0
        self.requests = 0
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._server = make_server("127.0.0.1", 0, self._answer, threaded=True)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.filesystem = {
            "endpoint_override": f"127.0.0.1:{self._server.server_port}",
            "scheme": "http",
            "region": "us-east-1",
            "access_key": "testing",
            "secret_key": "testing",
        }
        fs.S3FileSystem(allow_bucket_creation=True, **self.filesystem).create_dir("lake")

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _answer(self, environ, start_response):
        if environ["REQUEST_METHOD"] in ("PUT", "POST"):
            self.requests += 1
            if self.refuse > 0:
                self.refuse -= 1
                environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
                start_response("503 Slow Down", [("Content-Length", "0")])
                return [b""]
            if self.lose_answer > 0:
                self.lose_answer -= 1
                list(self._moto(environ, lambda *_: None))
                start_response("500 Internal Server Error", [("Content-Length", "0")])
                return [b""]
        return self._moto(environ, start_response)
