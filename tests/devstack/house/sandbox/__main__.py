"""Answers everything with one line of CSV; notes with which key it was started."""

import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

with Path("keys.txt").open("a") as keys:
    keys.write(os.environ.get("CHARGEHAND_API_KEY", "none") + "\n")


class Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"a,b\n")

    def log_message(self, *arguments: object) -> None:
        return


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[sys.argv.index("--port") + 1])), Answer).serve_forever()
