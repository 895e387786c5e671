"""The forms in which results leave: captions, chapters, tables, playlists, timelines. Text in, text out: no media."""
