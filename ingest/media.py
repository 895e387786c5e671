"""What people see of a video before they play it: poster, a thumbnail per segment, the storyboard."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ingest.segments import overlapping
from ingest.storage import FRAMES, MEDIA, RESULT, Results, resized
from ingest.storyboard import sheet_name, storyboard_vtt
from reelseek.artefacts import StageWriter
from reelseek.records import Frame, Segment

_THUMBNAIL, _POSTER = 320, 960


def representative(frames: Sequence[Frame], start: float, end: float) -> Frame:
    """The keyframe that stood longest in a range; of equals the first."""
    shown = overlapping(frames, start, end)
    return max(shown, key=lambda frame: (min(frame.end, end) - max(frame.time, start), -frame.index))


def make_media(
    results: Results,
    frames: Sequence[Frame],
    segments: Sequence[Segment],
    duration: float,
    *,
    writer: StageWriter,
    progress: Callable[[float], None],
) -> str:
    """Write `poster.jpg`, `thumbs/<segment>.jpg`, `storyboard.jpg` (and `storyboard-1.jpg`, …), `storyboard.vtt`."""
    cover = _cover(results, frames, duration)
    writer.bytes("poster.jpg", resized(results.bytes(FRAMES, cover.image), _POSTER, quality=85))
    for segment in segments:
        progress(segment.index / len(segments))
        frame = representative(frames, segment.start, segment.end)
        writer.bytes(f"thumbs/{segment.index}.jpg", resized(results.bytes(FRAMES, frame.image), _THUMBNAIL))
    layout = results.json(FRAMES)["storyboard"]
    sheets = len(layout["cells"])
    for index in range(sheets):
        writer.bytes(sheet_name(index), results.bytes(FRAMES, sheet_name(index)))
    writer.bytes("storyboard.vtt", storyboard_vtt(layout, duration).encode())
    writer.json(RESULT[MEDIA], {"thumbnails": len(segments), "sheets": sheets})
    return f"{len(segments)} thumbnails, {sheets} storyboard sheets"


def _cover(results: Results, frames: Sequence[Frame], duration: float) -> Frame:
    """The busiest of the long-shown keyframes of the first third: the largest JPEG, so never a black one."""
    sizes = results.store.files(results.video_id, FRAMES, results.keys[FRAMES])
    early = [frame for frame in frames if frame.time <= duration / 3] or list(frames[:1])
    longest = sorted(early, key=lambda frame: frame.time - frame.end)[:8]
    return max(longest, key=lambda frame: sizes.get(frame.image, 0))
