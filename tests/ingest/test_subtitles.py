"""Subtitles beside and inside a video, and the sentences made of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.probe import probe
from ingest.sentences import sentences, split_sentences
from ingest.speech import speech_source
from ingest.subtitles import (
    Cue,
    bcp47,
    choose_sidecar,
    choose_track,
    decode_text,
    read_sidecar,
    read_track,
    role_of,
    sidecars,
    tidy,
)
from reelseek.errors import MediaError
from reelseek.records import EngineRef, VideoInfo
from reelseek.setting_groups import IngestSettings
from tests.support.media import busy, steady, tone, write_video

SETTINGS = IngestSettings()
SRT = (
    "1\n00:00:01,000 --> 00:00:02,500\n<i>Hello</i> there,\nGeneral.\n\n"
    "2\n00:00:03,000 --> 00:00:04,000\n{\\an8}Über alles & mehr.\n"
)
VTT = (
    "WEBVTT\n\nNOTE nothing\n\n1\n00:01.000 --> 00:02.500 align:start\n<v Ann>Hello there,</v>\nGeneral.\n\n"
    "00:03.000 --> 00:04.000\nÜber alles &amp; mehr.\n"
)
ASS = (
    "[Script Info]\nScriptType: v4.00+\n\n[V4+ Styles]\nFormat: Name, Fontname\nStyle: Default,Arial\n\n[Events]\n"
    "Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
    "Dialogue: 0,0:00:01.00,0:00:02.50,Default,Ann,0,0,0,,{\\b1}Hello{\\b0} there,\\NGeneral.\n"
    "Comment: 0,0:00:02.00,0:00:02.50,Default,,0,0,0,,not shown\n"
    "Dialogue: 0,0:00:03.00,0:00:04.00,Default,,0,0,0,,Über alles & mehr.\n"
)


@pytest.mark.parametrize(("ending", "text"), [("srt", SRT), ("vtt", VTT), ("ass", ASS), ("ssa", ASS)])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_files_of_every_kind_and_encoding_are_read(tmp_path: Path, ending: str, text: str, encoding: str) -> None:
    path = tmp_path / f"a.{ending}"
    path.write_bytes(text.replace("\n", "\r\n").encode(encoding))
    first, second = read_sidecar(path)
    assert (first.start, first.end, first.text) == (1.0, 2.5, "Hello there,\nGeneral.")
    assert (second.start, second.end, second.text) == (3.0, 4.0, "Über alles & mehr.")
    assert first.speaker == ("" if ending == "srt" else "Ann")


OTHER_KINDS = {
    "sub": "{1}{1}25\n{25}{62}Hello there,|General.\n{75}{100}Over all & more.\n",
    "smi": "<SAMI><BODY><SYNC Start=1000><P Class=ENCC>Hello there,<br>General.<SYNC Start=2500><P Class=ENCC>&nbsp;"
    "<SYNC Start=3000><P Class=ENCC>Over all &amp; more.<SYNC Start=4000><P Class=ENCC>&nbsp;</BODY></SAMI>",
    "mpl": "[10][25]Hello there,|General.\n[30][40]Over all & more.\n",
    "pjs": '10,25,"Hello there,|General."\n30,40,"Over all & more."\n',
    "jss": "#T100\n0:00:01.00 0:00:02.50 D Hello there,\\nGeneral.\n0:00:03.00 0:00:04.00 D Over all & more.\n",
    "ttml": '<?xml version="1.0"?><tt xmlns="http://www.w3.org/ns/ttml"><body><div>'
    '<p begin="00:00:01.000" end="00:00:02.500">Hello there,<br/>General.</p>'
    '<p begin="00:00:03.000" end="00:00:04.000">Over all &amp; more.</p></div></body></tt>',
}


@pytest.mark.parametrize("ending", sorted(OTHER_KINDS))
def test_rarer_formats_are_read_too(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a.{ending}"
    path.write_text(OTHER_KINDS[ending])
    first, second = read_sidecar(path)
    assert (first.start, first.end, first.text) == (1.0, pytest.approx(2.5, abs=0.03), "Hello there,\nGeneral.")
    assert (second.start, second.end, second.text) == (3.0, pytest.approx(4.0), "Over all & more.")


@pytest.mark.parametrize("ending", ["sub", "smi", "mpl", "stl", "pjs", "rt", "jss", "lrc", "scc"])
def test_nonsense_in_any_format_is_no_subtitles(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a.{ending}"
    path.write_bytes(bytes(range(256)) * 20)
    assert read_sidecar(path) == []


def test_broken_markup_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.ttml"
    path.write_text("<tt><body>")
    with pytest.raises(MediaError, match=r"a\.ttml"):
        read_sidecar(path)


@pytest.mark.parametrize("content", [b"", b"not subtitles at all", bytes(range(256)) * 20])
def test_nonsense_is_no_subtitles(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.srt"
    path.write_bytes(content)
    assert read_sidecar(path) == []


def test_a_file_too_large_to_be_subtitles_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.srt"
    with path.open("wb") as file:
        file.truncate(33 << 20)
    with pytest.raises(MediaError, match=r"a\.srt"):
        read_sidecar(path)


def test_which_files_belong_to_a_video(tmp_path: Path) -> None:
    video = tmp_path / "My Talk.mp4"
    names = ["My Talk.srt", "My Talk.en.srt", "my talk.pt_br.vtt", "My Talk.de.forced.srt", "My Talk 2.srt",
             "My Talk.backup-of-old.srt", "My Talk.mp4", "My Talk.txt", "Other.srt"]  # fmt: skip
    for name in names:
        (tmp_path / name).write_text(SRT)
    (tmp_path / "My Talk.fr.srt").mkdir()
    found = {(item.path.name, item.language, item.forced) for item in sidecars(video)}
    assert found == {
        ("My Talk.srt", "", False), ("My Talk.en.srt", "en", False), ("my talk.pt_br.vtt", "pt-BR", False),
        ("My Talk.de.forced.srt", "de", True),
    }  # fmt: skip


def test_the_wanted_language_is_chosen_and_forced_ones_last(tmp_path: Path) -> None:
    video = tmp_path / "a.mp4"
    for name in ("a.srt", "a.de.srt", "a.fr.forced.srt"):
        (tmp_path / name).write_text(SRT)

    def chosen(language: str) -> str:
        sidecar = choose_sidecar(video, language)
        return sidecar.path.name if sidecar else ""

    assert (chosen(""), chosen("de"), chosen("fr")) == ("a.srt", "a.de.srt", "a.srt")
    (tmp_path / "a.srt").unlink()
    (tmp_path / "a.de.srt").unlink()
    assert chosen("") == "a.fr.forced.srt"


def track(index: int, language: str, role: str = "", *, default: bool = False, kind: str = "text") -> dict[str, str]:
    return {
        "index": str(index), "codec": "srt" if kind == "text" else "pgssub", "language": language, "title": "",
        "kind": kind, "default": "yes" if default else "no", "role": role,
    }  # fmt: skip


def with_tracks(*tracks: dict[str, str]) -> VideoInfo:
    return VideoInfo("0" * 32, "t", 10, 640, 360, 25, 0, True, True, 0.0, 1, "matroska", subtitle_tracks=tracks)


ENGLISH, GERMAN, FRENCH = track(2, "en"), track(3, "de", default=True), track(4, "fr", "forced", default=True)
FOR_DEAF, COMMENTARY = track(1, "en", "sounds"), track(5, "de", "commentary", default=True)


@pytest.mark.parametrize(
    ("tracks", "language", "chosen"),
    [
        ((ENGLISH, GERMAN), "", GERMAN),
        ((ENGLISH, GERMAN), "en", ENGLISH),
        ((ENGLISH, GERMAN), "en-GB", ENGLISH),
        ((ENGLISH, GERMAN), "it", ENGLISH),
        ((FOR_DEAF, ENGLISH), "", ENGLISH),
        ((FOR_DEAF, GERMAN), "en", FOR_DEAF),
        ((FRENCH, ENGLISH), "fr", ENGLISH),
        ((FRENCH,), "", FRENCH),
        ((COMMENTARY, GERMAN), "de", GERMAN),
        ((track(6, "en", kind="picture"),), "", None),
    ],
)
def test_which_embedded_track_is_chosen(
    tracks: tuple[dict[str, str], ...], language: str, chosen: dict[str, str] | None
) -> None:
    assert choose_track(with_tracks(*tracks), language) == chosen


def test_the_choice_among_tracks_is_said(tmp_path: Path) -> None:
    info = with_tracks(ENGLISH, GERMAN, FRENCH, track(6, "", kind="picture"))
    source = speech_source(tmp_path / "a.mkv", info, SETTINGS, EngineRef("an:engine", "f"))
    assert source.track == 3
    assert source.note == "subtitles: de; not indexed: en, fr (forced), unknown language (pictures)"
    assert speech_source(tmp_path / "a.mkv", with_tracks(ENGLISH), SETTINGS, None).note == ""


def test_forced_subtitles_do_not_stand_in_for_an_engine(tmp_path: Path) -> None:
    engine = EngineRef("an:engine", "f")
    assert speech_source(tmp_path / "a.mkv", with_tracks(FRENCH), SETTINGS, engine).only_engine
    assert speech_source(tmp_path / "a.mkv", with_tracks(FRENCH), SETTINGS, None).track == 4


def test_what_a_track_is_for_is_told_by_flags_and_titles() -> None:
    none = {"forced": False, "sounds": False, "commentary": False}
    titles = ["", "English", "English (SDH)", "Signs & Songs", "Director's Commentary", "CC"]
    assert [role_of(title, **none) for title in titles] == ["", "", "sounds", "forced", "commentary", "sounds"]
    assert role_of("English", forced=True, sounds=False, commentary=False) == "forced"


@pytest.mark.parametrize(("written", "read"), [("eng", "en"), ("ger", "de"), ("pt_br", "pt-BR"), ("und", ""), ("", "")])
def test_languages_are_written_one_way(written: str, read: str) -> None:
    assert bcp47(written) == read


@pytest.mark.parametrize("name", ["exo_srt_subtitles.mkv", "exo_ssa_subtitles.mkv", "exo_vtt_subtitles.mkv"])
def test_embedded_tracks_of_real_clips(shared_data: Path, name: str) -> None:
    path = shared_data / "video" / name
    info = probe(path, SETTINGS, "0" * 32)
    (cue,) = read_track(path, info, int(info.subtitle_tracks[0]["index"]))
    assert cue.text == "This is the first subtitle."
    assert cue.start == pytest.approx(0.0, abs=0.07)
    assert 0.4 < cue.end < 1.3


def test_a_timed_narration_becomes_sentences(shared_data: Path) -> None:
    path = shared_data / "video" / "tc_nasa_13013.mp4"
    info = probe(path, SETTINGS, "0" * 32)
    source = speech_source(path, info, SETTINGS, EngineRef("an:engine", "f"))
    assert (source.track, source.language) == (2, "en")
    first, second = sentences(read_track(path, info, 2), "subtitles:embedded", "en")
    assert first.text.startswith("This is the optical")
    assert first.text.endswith("Greenbelt, Maryland.")
    assert (first.speaker, first.language, first.source) == ("NAR", "en", "subtitles:embedded")
    assert (first.start, first.end) == (pytest.approx(0.21), pytest.approx(12.47))
    assert second.start == pytest.approx(12.47)


def test_embedded_times_are_of_the_video_and_not_of_the_container(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mkv", steady([(5.0, busy(1))]), cues=[(1.5, 3.0, "Now.")], offset=30.0)
    info = probe(path, SETTINGS)
    (cue,) = read_track(path, info, 1)
    assert (cue.start, cue.end) == (pytest.approx(1.5, abs=0.01), pytest.approx(3.0, abs=0.01))


def test_the_source_is_sidecar_then_track_then_engine(tmp_path: Path) -> None:
    engine = EngineRef("an:engine", "f")
    path = write_video(tmp_path / "a.mkv", steady([(2.0, busy(1))]), sound=tone([], 2.0), cues=[(0.5, 1.0, "Now.")])
    info = probe(path, SETTINGS)
    assert speech_source(path, info, SETTINGS, engine).track == 2
    sidecar = tmp_path / "a.en.srt"
    sidecar.write_text(SRT)
    source = speech_source(path, info, SETTINGS, engine)
    assert (source.sidecar, source.track, source.language) == (sidecar, None, "en")
    before = source.identity
    sidecar.write_text(SRT.replace("Hello", "Howdy"))
    assert speech_source(path, info, SETTINGS, engine).identity != before
    assert speech_source(path, info, SETTINGS, EngineRef("other:engine", "g")).identity[3] == ""
    sidecar.write_bytes(b"")
    empty = speech_source(path, info, SETTINGS, engine)
    assert (empty.sidecar, empty.track) == (None, 2)
    assert "a.en.srt" in empty.note


def test_rolling_captions_are_not_said_twice() -> None:
    cues = [Cue(0, 2, "so today we"), Cue(2, 4, "so today we\nlook at rivers"), Cue(4, 6, "look at rivers\nand lakes")]
    assert [cue.text for cue in tidy(cues)] == ["so today we", "look at rivers", "and lakes"]
    assert tidy([Cue(0, 1, "Ha."), Cue(1, 2, "Ha."), Cue(5, 6, "Ha.")]) == [Cue(0, 1, "Ha."), Cue(5, 6, "Ha.")]


def test_cues_are_joined_into_sentences_and_cut_at_full_stops() -> None:
    cues = [
        Cue(0.0, 2.0, "The river rises in"),
        Cue(2.0, 4.0, "the hills. It flows"),
        Cue(4.0, 5.0, "south."),
        Cue(9.0, 10.0, "no full stop here"),
        Cue(12.0, 13.0, "Dr. Smith agrees. Good."),
    ]
    lines = sentences(cues, "test", "en")
    assert [line.text for line in lines] == [
        "The river rises in the hills.", "It flows south.", "no full stop here", "Dr. Smith agrees.", "Good."
    ]  # fmt: skip
    assert (lines[0].start, lines[1].end) == (0.0, 5.0)
    assert 2.5 < lines[0].end == lines[1].start < 3.5


def test_two_speakers_in_a_cue_are_two_lines() -> None:
    dashed = sentences([Cue(0.0, 2.0, "- Are you coming?\n- No.")], "test", "en")
    assert [line.text for line in dashed] == ["Are you coming?", "No."]
    named = sentences([Cue(0.0, 2.0, "ANN: I think so"), Cue(2.0, 3.0, "BOB: Me too")], "test", "en")
    assert [(line.speaker, line.text) for line in named] == [("ANN", "I think so"), ("BOB", "Me too")]


def test_a_sentence_never_grows_without_end() -> None:
    lines = sentences([Cue(float(i), i + 1.0, "and then") for i in range(100)], "test", "en")
    assert all(line.end - line.start <= 16 for line in lines)
    assert sum(line.text.count("and then") for line in lines) == 100


def test_splitting_loses_nothing() -> None:
    text = 'He said "Stop!" Then 3.5 men left. 今日は。明日も。 Ende… Oder?'
    assert "".join("".join(split_sentences(text)).split()) == "".join(text.split())
    assert split_sentences("今日は。明日も。") == ["今日は。", "明日も。"]
    assert decode_text("naïve".encode("cp1252")) == "naïve"
