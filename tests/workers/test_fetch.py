"""Videos from URLs: what is fetched, and above all what is not."""

from __future__ import annotations

import base64
import http.client
import json
import shutil
import socket
import subprocess
import threading
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import workers.forward_proxy
from ingest.probe import probe
from ingest.subtitles import read_sidecar
from library.catalogue import Catalogue, open_catalogue
from library.ledger import Ledger
from library.records import JobState
from reelseek.errors import Forbidden, InvalidRequest, JobLost
from reelseek.settings import Settings, load_settings
from tests.support.command import run_reelseek
from tests.support.live_servers import segments, stream_file, web_site
from tests.support.media import busy, steady, tone, write_video
from tests.workers.test_indexing import OFF
from workers.addresses import AddressGuard, is_public, lookup
from workers.confined import at_large, confined
from workers.download import FetchFailed
from workers.enqueue import enqueue_fetch
from workers.fetching import Fetched, fetch_video
from workers.forward_proxy import FilteringProxy
from workers.indexing import Workspace, index_file
from workers.runner import run_next

PAGE = """<!doctype html><html><head><title>Ignored</title><script type="application/ld+json">{ld}</script></head>
<body><p>A talk</p></body></html>"""
VIDEO_PAGE = """<!doctype html><html><head><title>Garden tour</title></head><body><video src="/clip.mp4">
<track kind="subtitles" srclang="en" src="/clip.vtt"></video></body></html>"""
SUBTITLES = b"WEBVTT\n\n00:00:00.500 --> 00:00:01.500\nthe roses are in bloom\n"


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video(tmp_path_factory.mktemp("site") / "clip.mp4", steady([(2.0, busy(1))]))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings({"data": tmp_path / "data", "engines": OFF, "fetch": {"enabled": True, "allow_private": True}})


@pytest.fixture
def catalogue(settings: Settings) -> Iterator[Catalogue]:
    with open_catalogue(settings) as opened:
        yield opened


class Site:
    """Pages by path; what was asked for is kept."""

    def __init__(self, clip: Path) -> None:
        self.pages: dict[str, tuple[int, str, bytes]] = {
            "/clip.mp4": (200, "video/mp4", clip.read_bytes()),
            "/clip.vtt": (200, "text/vtt", SUBTITLES),
            "/page.html": (200, "text/html", VIDEO_PAGE.encode()),
        }
        self.asked: list[str] = []

    def __call__(self, path: str) -> tuple[int, str, bytes]:
        self.asked.append(path)
        return self.pages.get(path, (404, "text/plain", b"nothing"))

    def folder(self, folder: Path, kind: str) -> None:
        for path in folder.iterdir():
            self.pages[f"/{path.name}"] = (200, kind, path.read_bytes())


@pytest.fixture
def site(clip: Path) -> Site:
    return Site(clip)


def left_behind(settings: Settings) -> list[Path]:
    """Files that a download left, besides the catalogue's."""
    folders = [settings.uploads_path, settings.data / "incoming"]
    return [path for folder in folders if folder.exists() for path in folder.rglob("*")]


def named_guard(**addresses: str) -> AddressGuard:
    """A guard that knows `site.test` as the test's own site, and other names as given."""

    def resolve(host: str, port: int) -> list[str]:
        known = {"site.test": "127.0.0.1", **{name.replace("_", "."): address for name, address in addresses.items()}}
        return [known[host]] if host in known else lookup(host, port)

    return AddressGuard(resolve=resolve, exempt=frozenset({"site.test"}))


def by_name(url: str) -> str:
    return url.replace("127.0.0.1", "site.test")


def test_it_is_off_until_it_is_switched_on(tmp_path: Path) -> None:
    done = run_reelseek("fetch", "http://127.0.0.1:1/x.mp4", data=tmp_path / "data")
    assert done.returncode == Forbidden.exit_code
    assert "fetch.enabled" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://host/x.mp4", "/etc/passwd", "ytsearch:cats", "data:,x"])
def test_only_web_addresses_are_fetched(url: str, catalogue: Catalogue, settings: Settings) -> None:
    with pytest.raises(InvalidRequest):
        fetch_video(catalogue, settings, url)


def test_a_file_is_fetched_once_and_known_the_second_time(
    catalogue: Catalogue, settings: Settings, site: Site, clip: Path
) -> None:
    seen: list[float] = []
    with web_site(site) as url:
        first = fetch_video(catalogue, settings, f"{url}/clip.mp4", progress=lambda _, fraction: seen.append(fraction))
        with Workspace.open(settings) as workspace:
            assert index_file(workspace, first.path).state == "indexed"
        second = fetch_video(catalogue, settings, f"{url}/clip.mp4")
    assert first.path.read_bytes() == clip.read_bytes()
    assert seen == sorted(seen)
    assert (seen[0], seen[-1]) == (0.0, 1.0)
    assert second == Fetched(first.path, "clip", known=True)
    assert left_behind(settings) == [first.path]


def test_a_page_gives_its_video_with_title_and_subtitles(catalogue: Catalogue, settings: Settings, site: Site) -> None:
    with web_site(site) as url:
        found = fetch_video(catalogue, settings, f"{url}/page.html")
    assert (found.path.name, found.title) == ("Garden tour.mp4", "Garden tour")
    (subtitles,) = found.subtitles
    assert subtitles.name == "Garden tour.en.vtt"
    assert read_sidecar(subtitles)[0].text == "the roses are in bloom"
    assert sorted(left_behind(settings)) == sorted([found.path, subtitles])


def test_what_a_page_tells_of_its_video_is_kept_in_the_file(
    catalogue: Catalogue, settings: Settings, site: Site
) -> None:
    with web_site(site) as url:
        site.pages["/talk"] = (200, "text/html", described(f"{url}/clip.mp4").encode())
        found = fetch_video(catalogue, settings, f"{url}/talk")
        again = fetch_video(catalogue, settings, f"{url}/talk")
    info = probe(found.path, settings.ingest)
    assert info.title == "On merge sort"
    assert info.tags["description"] == "Why halving helps"
    assert info.tags["date"].startswith("2026-03-01")
    assert info.duration == pytest.approx(2.0, abs=0.2)
    assert again.path.read_bytes() == found.path.read_bytes(), "the same video has the same content, so it is known"


def described(url: str, duration: str = "PT2S") -> str:
    told = {
        "@context": "https://schema.org",
        "@type": "VideoObject",
        "name": "On merge sort",
        "description": "Why halving helps",
        "uploadDate": "2026-03-01",
        "duration": duration,
        "contentUrl": url,
    }
    return PAGE.format(ld=json.dumps(told))


def test_a_playlist_is_put_together(catalogue: Catalogue, settings: Settings, site: Site, tmp_path: Path) -> None:
    site.folder(segments_of(tmp_path), "video/mp2t")
    site.pages["/list.m3u8"] = playlist(["s000.ts", "s001.ts", "s002.ts"])
    with web_site(site) as url:
        found = fetch_video(catalogue, settings, f"{url}/list.m3u8")
    info = probe(found.path, settings.ingest)
    assert (info.has_video, info.has_audio) == (True, True)
    assert info.duration == pytest.approx(3.0, abs=0.3)


def segments_of(tmp_path: Path) -> Path:
    return segments(stream_file(tmp_path / "in.ts", 3.0), tmp_path / "segments")[0].parent


def playlist(names: list[str]) -> tuple[int, str, bytes]:
    listed = "".join(f"#EXTINF:1.0,\n{name}\n" for name in names)
    head = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:0\n"
    return 200, "application/vnd.apple.mpegurl", f"{head}{listed}#EXT-X-ENDLIST\n".encode()


def test_pictures_and_sound_that_come_apart_are_put_together_in_the_height_that_is_wanted(
    catalogue: Catalogue, settings: Settings, site: Site, tmp_path: Path
) -> None:
    folder = tmp_path / "dash"
    folder.mkdir()
    source = write_video(tmp_path / "in.mp4", steady([(3.0, busy(2, 640, 360))]), sound=tone([(0, 3)], 3.0))
    subprocess.run(
        ["ffmpeg", "-loglevel", "error", "-i", source, "-map", "0:v", "-map", "0:v", "-map", "0:a", "-c:a", "aac",
         "-c:v", "libx264", "-preset", "ultrafast", "-filter:v:1", "scale=320:180", "-g", "10", "-seg_duration", "1",
         "-adaptation_sets", "id=0,streams=v id=1,streams=a", "-f", "dash", folder / "video.mpd"],
        check=True,
    )  # fmt: skip
    site.folder(folder, "video/mp4")
    site.pages["/video.mpd"] = (200, "application/dash+xml", (folder / "video.mpd").read_bytes())
    with web_site(site) as url:
        found = fetch_video(catalogue, settings, f"{url}/video.mpd", max_height=200)
    info = probe(found.path, settings.ingest)
    assert (info.has_video, info.has_audio, info.height) == (True, True, 180)
    assert info.duration == pytest.approx(3.0, abs=0.3)


@pytest.mark.parametrize(
    "target",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://127.0.0.1:1/x.mp4",
        "http://[::1]:1/x.mp4",
        "http://[::ffff:10.0.0.1]/x.mp4",
        "http://2130706433/x.mp4",
        "http://0x7f000001/x.mp4",
        "http://inside.test/x.mp4",
        "https://inside.test/x.mp4",
    ],
)
def test_a_redirect_to_where_nobody_outside_may_go_is_refused(
    target: str, catalogue: Catalogue, settings: Settings, site: Site
) -> None:
    site.pages["/away"] = (302, target, b"")
    careful = closed(settings)
    with web_site(site) as url, pytest.raises(FetchFailed, match="no address of the open Internet"):
        fetch_video(catalogue, careful, f"{by_name(url)}/away", guard=named_guard(inside_test="192.168.1.1"))
    assert left_behind(settings) == []


def closed(settings: Settings) -> Settings:
    return settings.model_copy(update={"fetch": settings.fetch.model_copy(update={"allow_private": False})})


def test_loopback_is_refused_unless_the_settings_allow_it(catalogue: Catalogue, settings: Settings, site: Site) -> None:
    with web_site(site) as url, pytest.raises(FetchFailed, match=r"127\.0\.0\.1"):
        fetch_video(catalogue, closed(settings), f"{url}/clip.mp4")
    assert site.asked == []


def test_segments_and_embedded_videos_at_private_addresses_are_refused(
    catalogue: Catalogue, settings: Settings, site: Site, tmp_path: Path
) -> None:
    site.folder(segments_of(tmp_path), "video/mp2t")
    site.pages["/list.m3u8"] = playlist(["s000.ts", "http://10.1.2.3/s001.ts", "s002.ts"])
    site.pages["/talk"] = (200, "text/html", described("http://192.168.0.1/clip.mp4").encode())
    with web_site(site) as url:
        for page in ("list.m3u8", "talk"):
            with pytest.raises(FetchFailed, match=r"10\.1\.2\.3|192\.168\.0\.1"):
                fetch_video(catalogue, closed(settings), f"{by_name(url)}/{page}", guard=named_guard())
    assert left_behind(settings) == []


def test_a_name_is_looked_up_once_and_what_was_looked_at_is_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter(["93.184.216.34", "127.0.0.1"])
    connected: list[str] = []

    def connect(address: tuple[str, int], timeout: float) -> socket.socket:
        connected.append(address[0])
        raise OSError("no route")

    monkeypatch.setattr(workers.forward_proxy.socket, "create_connection", connect)
    proxy = FilteringProxy(AddressGuard(resolve=lambda _host, _port: [next(answers)]), 1 << 20, 60.0)
    with proxy:
        with pytest.raises(Exception, match="does not answer"):
            proxy.connect("rebinding.test", 80)
        with pytest.raises(Forbidden):
            proxy.connect("rebinding.test", 80)
    assert connected == ["93.184.216.34"]


def test_who_has_no_password_is_not_served_by_the_proxy() -> None:
    with (
        FilteringProxy(AddressGuard(allow_private=True), 1 << 20, 60.0) as proxy,
        socket.create_connection(("127.0.0.1", proxy.port)) as client,
    ):
        client.sendall(b"GET http://127.0.0.1:1/ HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 407")


def test_the_proxy_tunnels_and_cuts_off_what_is_too_much(site: Site) -> None:
    with web_site(site) as url, FilteringProxy(AddressGuard(allow_private=True), 10_000, 60.0) as proxy:
        parts = urllib.parse.urlsplit(proxy.url)
        password = base64.b64encode(f"{parts.username}:{parts.password}".encode()).decode()
        target = urllib.parse.urlsplit(url)

        def get(path: str) -> bytes:
            client = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=10)
            client.set_tunnel(str(target.hostname), target.port, {"Proxy-Authorization": f"Basic {password}"})
            client.request("GET", path)
            return client.getresponse().read()

        assert get("/clip.vtt") == SUBTITLES
        site.pages["/large"] = (200, "video/mp4", bytes(1_000_000))
        with pytest.raises(http.client.HTTPException):
            get("/large")
        assert "max_bytes" in str(proxy.refusal)


def test_a_confined_thread_reaches_its_proxy_and_nothing_else() -> None:
    with socket.create_server(("127.0.0.1", 0)) as allowed, socket.create_server(("127.0.0.1", 0)) as other:
        with confined(allowed.getsockname()[1]):
            socket.create_connection(allowed.getsockname()).close()
            for forbidden in (
                lambda: socket.create_connection(other.getsockname()),
                lambda: socket.getaddrinfo("example.org", 80),
                lambda: subprocess.run(["true"], check=True),
            ):
                with pytest.raises(PermissionError):
                    forbidden()
            with at_large():
                socket.create_connection(other.getsockname()).close()
        subprocess.run(["true"], check=True)


def test_what_is_too_large_or_too_long_or_breaks_off_leaves_nothing(
    catalogue: Catalogue, settings: Settings, site: Site, tmp_path: Path
) -> None:
    clip = site.pages["/clip.mp4"][2]
    small = settings.model_copy(update={"fetch": settings.fetch.model_copy(update={"max_bytes": len(clip) // 2})})
    site.pages["/cut.mp4"] = (200, "cut:video/mp4", clip)
    site.pages["/text.mp4"] = (200, "video/mp4", b"this is no video " * 100)
    site.folder(segments_of(tmp_path), "video/mp2t")
    site.pages["/list.m3u8"] = playlist(["s000.ts", "s001.ts", "s002.ts"])
    with web_site(site) as url:
        site.pages["/long"] = (200, "text/html", described(f"{url}/clip.mp4", "PT10H").encode())
        for limits, page, reason in (
            (small, "clip.mp4", "max_bytes"),
            (small, "list.m3u8", "max_bytes"),
            (settings, "long", "max_duration"),
            (settings, "cut.mp4", "cannot be fetched"),
            (settings, "text.mp4", "no video"),
            (settings, "nothing.mp4", "404"),
        ):
            with pytest.raises(FetchFailed, match=reason):
                print(page, fetch_video(catalogue, limits, f"{url}/{page}"))
            assert left_behind(settings) == [], page


def test_a_download_stops_when_its_job_is_taken_away(catalogue: Catalogue, settings: Settings, site: Site) -> None:
    def progress(_stage: str, fraction: float) -> None:
        if fraction > 0:
            raise JobLost("taken away")

    with web_site(site) as url, pytest.raises(JobLost):
        fetch_video(catalogue, settings, f"{url}/clip.mp4", progress=progress)
    assert left_behind(settings) == []


def test_a_queued_download_is_a_job_that_names_no_secret_and_its_video_is_indexed(
    catalogue: Catalogue, settings: Settings, site: Site, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "films"
    folder.mkdir()
    library = catalogue.add_library(folder)
    caplog.set_level("INFO")
    with web_site(site) as url:
        site.pages["/clip.mp4?token=s3cret"] = site.pages["/clip.mp4"]
        enqueue_fetch(catalogue, settings, f"{url}/clip.mp4?token=s3cret", library.library_id)
        with Workspace.open(settings) as workspace:
            while run_next(workspace, threading.Event()):
                pass
    ledger = Ledger(catalogue)
    assert {job.state for job in ledger.jobs()} == {JobState.DONE}, [job.error for job in ledger.jobs()]
    (video,) = catalogue.videos(library.library_id)
    assert video.path == str(folder / "clip.mp4")
    assert video.live_ingest
    assert "s3cret" not in caplog.text


@pytest.mark.release
def test_the_command_fetches_and_indexes(tmp_path: Path, site: Site) -> None:
    environment = {
        **{f"REELSEEK_ENGINES__{name.upper()}": "off" for name in OFF},
        "REELSEEK_FETCH__ENABLED": "true",
        "REELSEEK_FETCH__ALLOW_PRIVATE": "true",
    }
    with web_site(site) as url:
        done = run_reelseek(
            "fetch", f"{url}/page.html", f"{url}/gone.mp4", "--json", data=tmp_path / "data", environment=environment
        )
    assert done.returncode == 3, done.stderr
    fetched, gone = json.loads(done.stdout)
    assert (fetched["title"], fetched["reason"]) == ("Garden tour", "")
    assert "404" in gone["reason"]
    listed = run_reelseek("videos", "--json", data=tmp_path / "data", environment=environment)
    assert "Garden tour" in listed.stdout


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True), ("2606:2800:220:1::1", True), ("64:ff9b::5db8:d822", True), ("8.8.8.8", True),
        ("127.0.0.1", False), ("127.8.8.8", False), ("10.0.0.1", False), ("172.31.0.1", False), ("192.168.1.1", False),
        ("169.254.169.254", False), ("100.64.0.1", False), ("100.100.100.200", False), ("0.0.0.0", False),
        ("224.0.0.1", False), ("255.255.255.255", False), ("168.63.129.16", False), ("198.18.0.1", False),
        ("192.0.0.192", False), ("::1", False), ("::", False), ("fe80::1", False), ("fe80::1%eth0", False),
        ("fd00:ec2::254", False), ("fec0::1", False), ("ff02::1", False), ("::ffff:127.0.0.1", False),
        ("::ffff:169.254.169.254", False), ("64:ff9b::7f00:1", False), ("64:ff9b::a9fe:a9fe", False),
        ("64:ff9b:1::1", False), ("2002:7f00:1::", False), ("2001:0:1::", False), ("2001:db8::1", False),
        ("::127.0.0.1", False), ("100::1", False), ("no address", False),
    ],
)  # fmt: skip
def test_which_addresses_are_of_the_open_internet(address: str, public: bool) -> None:
    assert is_public(address) is public


def test_nothing_is_left_of_a_process_that_was_killed(catalogue: Catalogue, settings: Settings, site: Site) -> None:
    dead = subprocess.Popen(["true"])
    dead.wait()
    left: Any = settings.data / "incoming" / f"fetch-{socket.gethostname()}_{dead.pid}-abc"
    left.mkdir(parents=True)
    (left / "half.part").write_bytes(b"half")
    with web_site(site) as url:
        fetch_video(catalogue, settings, f"{url}/clip.mp4")
    assert not left.exists()
    shutil.rmtree(settings.uploads_path)
