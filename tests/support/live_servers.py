"""Live sources for tests: a link that is dropped, a playlist that moves on, a camera that speaks RTSP."""

from __future__ import annotations

import http.server
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np

from reelseek.records import Image
from tests.support.media import Timed, busy, slide, tone, write_video


def moving(seconds: float, seed: int = 0, fps: float = 10.0) -> Iterator[Timed]:
    """Pictures in which something moves."""
    picture = busy(seed)
    for number in range(round(seconds * fps)):
        yield number / fps, np.roll(picture, 4 * number, axis=1)


def stream_file(path: Path, seconds: float, *, seed: int = 0, offset: float = 0.0, gop: int = 10) -> Path:
    """An MPEG-TS of moving pictures and a tone, with a key picture each second."""
    sound = tone([(0.0, seconds)], seconds)
    return write_video(path, moving(seconds, seed), sound=sound, offset=offset, sound_at=0.0, gop=gop)


def slide_stream(path: Path, text: str, seconds: float) -> Path:
    """An MPEG-TS of one slide."""
    picture: Image = slide(*text.split("/"))
    return write_video(path, ((number / 10, picture) for number in range(round(10 * seconds))), gop=10)


@contextmanager
def dropping_server(parts: list[bytes], *, seconds: float = 1.5) -> Iterator[int]:
    """A TCP server that sends one part to each client, evenly over `seconds`, and then drops the link; gives its port.

    The last part is sent and then the link is held open in silence.
    """
    server = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def serve() -> None:
        for number, part in enumerate(parts):
            try:
                client, _ = server.accept()
            except OSError:
                return
            with client, suppress(OSError):
                step = max(188, len(part) // 50)
                for start in range(0, len(part), step):
                    client.sendall(part[start : start + step])
                    if stop.wait(seconds / 50):
                        return
                if number == len(parts) - 1:
                    stop.wait(60)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield server.getsockname()[1]
    finally:
        stop.set()
        server.close()
        thread.join(5)


@contextmanager
def web_site(answer: Callable[[str], tuple[int, str, bytes]]) -> Iterator[str]:
    """A web server whose pages a function makes: path to status, type and body; gives its URL.

    The type `cut:…` makes it promise twice as much as it sends.
    """

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, kind, body = answer(self.path)
            self.send_response(status)
            self.send_header("Location" if 300 <= status < 400 else "Content-Type", kind.removeprefix("cut:"))
            self.send_header("Content-Length", str(len(body) * (2 if kind.startswith("cut:") else 1)))
            self.end_headers()
            with suppress(OSError):
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def segments(source: Path, folder: Path) -> list[Path]:
    """A stream cut into segments of a second, as a camera's playlist has them."""
    folder.mkdir()
    command = ["ffmpeg", "-loglevel", "error", "-i", str(source), "-c", "copy", "-f", "segment", "-segment_time", "1"]
    subprocess.run([*command, str(folder / "s%03d.ts")], check=True)
    return sorted(folder.glob("s*.ts"))


class LivePlaylist:
    """An HLS playlist of three segments that moves on with the time; `down` makes the server fail."""

    def __init__(self, parts: list[Path], every: float) -> None:
        self.parts, self.every, self.began = parts, every, time.monotonic()
        self.down = False

    def __call__(self, path: str) -> tuple[int, str, bytes]:
        """Answer a request."""
        if self.down:
            return 503, "text/plain", b"down"
        if not path.endswith(".m3u8"):
            return 200, "video/mp2t", next(part for part in self.parts if part.name == path[1:]).read_bytes()
        last = min(len(self.parts), 3 + int((time.monotonic() - self.began) / self.every))
        names = "".join(f"#EXTINF:1.0,\n{part.name}\n" for part in self.parts[last - 3 : last])
        head = f"#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:{last - 3}\n"
        return 200, "application/vnd.apple.mpegurl", (head + names).encode()


@contextmanager
def rtsp_camera(source: Path, folder: Path) -> Iterator[str]:
    """A camera: RTSP over TCP in front of RTP packets that ffmpeg makes in real time; gives its URL with a password."""
    rtp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    rtp.bind(("127.0.0.1", 0))
    rtp.settimeout(0.2)
    server = socket.create_server(("127.0.0.1", 0))
    description = folder / "camera.sdp"
    ffmpeg = subprocess.Popen(
        ["ffmpeg", "-loglevel", "error", "-re", "-stream_loop", "-1", "-i", str(source), "-an", "-c", "copy",
         "-bsf:v", "dump_extra", "-f", "rtp", "-sdp_file", str(description), f"rtp://127.0.0.1:{rtp.getsockname()[1]}"],
    )  # fmt: skip
    stop = threading.Event()

    def serve() -> None:
        with suppress(OSError):
            while not stop.is_set():
                client, _ = server.accept()
                threading.Thread(target=_speak_rtsp, args=(client, rtp, description, stop), daemon=True).start()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"rtsp://viewer:secret@127.0.0.1:{server.getsockname()[1]}/stream1"
    finally:
        stop.set()
        ffmpeg.kill()
        ffmpeg.wait()
        with suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join(5)
        rtp.close()


def _speak_rtsp(client: socket.socket, rtp: socket.socket, description: Path, stop: threading.Event) -> None:
    with client, suppress(OSError):
        lines = client.makefile("rb")
        while not stop.is_set() and (request := lines.readline()):
            fields = {}
            while line := lines.readline().strip():
                name, _, value = line.decode().partition(":")
                fields[name.lower()] = value.strip()
            method, body, extra = request.split()[0].decode(), b"", ""
            if method == "DESCRIBE":
                until = time.monotonic() + 5
                while not description.exists() and time.monotonic() < until:
                    time.sleep(0.05)
                text = description.read_text().removeprefix("SDP:\n")
                body = (text.rstrip() + "\na=control:streamid=0\n").replace("\n", "\r\n").encode()
                extra = f"Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\n"
            elif method == "SETUP":
                extra = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n"
            client.sendall(
                f"RTSP/1.0 200 OK\r\nCSeq: {fields['cseq']}\r\nSession: 1\r\n"
                f"Public: DESCRIBE, SETUP, PLAY\r\n{extra}\r\n".encode()
                + body
            )
            if method == "PLAY":
                _send_packets(client, rtp, stop)
                return


def _send_packets(client: socket.socket, rtp: socket.socket, stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            packet = rtp.recv(2_048)
        except TimeoutError:
            continue
        client.sendall(b"$\x00" + len(packet).to_bytes(2, "big") + packet)
