"""The demo's films: what `demo.make_videos` draws, speaks and writes the truth file from."""

from __future__ import annotations

from demo.scenes import Group, Scene
from demo.script import Board, Cut, Film, Line, Scenery, Screen, Slide, Speaker
from demo.studio import Look, Voice

GEORGE = Voice("en-gb", 150, 40)
# PocketSphinx, which knows real voices, hears espeak-ng's Klatt voices far better than its others.
VERA = Voice("en-us+klatt", 140, 75)
WALTER = Voice("en-us+klatt", 140, 45)


def scene(ground: str, *groups: tuple[int, str, str] | tuple[int, str, str, str]) -> Scene:
    """`scene("white", (2, "red", "circle", "left"))`."""
    return Scene(tuple(Group(group[2], group[1], group[0], *group[3:]) for group in groups), ground)


LECTURE = Film(
    Look("lecture-compost.mp4", size=(960, 540), subtitles="srt"),
    (
        Cut(
            Slide(
                "From Scraps to Soil",
                ("A short lecture on compost", "Botany course, part three"),
                3,
                "Hillside College",
            ),
            says=(
                Line("Welcome to this lecture, in which we follow kitchen scraps until they have become garden soil."),
            ),
            written=("From Scraps to Soil", "Hillside College"),
        ),
        Cut(
            Slide(
                "Green and Brown", ("Green: fresh leaves, peelings", "Brown: straw, cardboard", "Mix one to three"), 3
            ),
            says=(
                Line(
                    "A good heap needs nitrogen from fresh peelings and carbon from dry straw, one part to three.",
                    asks=("nitrogen from fresh peelings", "carbon from dry straw"),
                ),
            ),
            written=("Green and Brown", "straw, cardboard"),
        ),
        Cut(
            Slide("Who Does the Work", ("Bacteria come first", "Fungi take the wood", "Earthworms finish"), 3),
            says=(
                Line(
                    "Bacteria begin, fungi break down the woody pieces, and earthworms finish what is left.",
                    asks=("fungi break down the woody pieces", "when do the earthworms finish the rest"),
                ),
            ),
            written=("Who Does the Work",),
        ),
        Cut(
            Slide("Heat", ("65 degrees on day four", "Seeds of weeds die", "Turn when it cools"), 3),
            says=(
                Line(
                    "On day four the heap reaches sixty five degrees, hot enough to kill the seeds of weeds.",
                    asks=("how hot does the heap get", "hot enough to kill the seeds of weeds"),
                ),
            ),
            written=("65 degrees on day four",),
        ),
        Cut(
            Slide("Common Mistakes", ("Too wet: it smells", "Too dry: nothing happens", "Meat attracts rats"), 3),
            says=(
                Line(
                    "The most common mistake is a heap without air, which starts to smell of rotten eggs.",
                    asks=("smell of rotten eggs",),
                ),
            ),
            written=("Meat attracts rats",),
        ),
        Cut(
            Slide("Ready in Autumn", ("Dark and crumbly", "Sieve it once", "Two buckets per square metre"), 3),
            says=(
                Line(
                    "In autumn put it through a sieve, and then spread two buckets on each square metre.",
                    asks=("spread two buckets on each square metre",),
                ),
            ),
            written=("Ready in Autumn", "two buckets per square metre"),
        ),
    ),
    sequences=(("text:straw then text:Fungi", 1, 2), ("said:bacteria then said:degrees", 2, 3)),
)

SCREENCAST = Film(
    Look("screencast-inventory.mp4", size=(960, 540)),
    (
        Cut(
            Screen(
                "inventory.py",
                ("import sqlite3", "", "def count_boxes(shelf):", "    total = 0", "    return total"),
                typed=3,
            ),
            seconds=8,
            written=("count_boxes", "inventory.py"),
        ),
        Cut(
            Screen(
                "File",
                ("import sqlite3",),
                menu=("New window", "Open recent", "Export as PDF", "Preferences"),
                dark=False,
            ),
            seconds=7,
            written=("Export as PDF", "Open recent"),
        ),
        Cut(
            Screen("terminal", ("$ python inventory.py", "Traceback:", "    KeyError: 'shelf 12'", "$"), typed=2),
            seconds=8,
            written=("KeyError",),
        ),
        Cut(
            Screen(
                "warehouse.toml",
                ("[warehouse]", "city = 'Rotterdam'", "shelves = 48", "forklifts = 3"),
                typed=2,
                dark=False,
            ),
            seconds=8,
            written=("Rotterdam", "forklifts = 3"),
        ),
        Cut(
            Screen("terminal", ("$ pytest --quiet", "14 passed in 2.31s", "$ git push origin main"), typed=1),
            seconds=8,
            written=("14 passed", "git push origin main"),
        ),
    ),
    sequences=(("text:Rotterdam then text:pytest", 3, 4),),
)

TALK = Film(
    Look("talk-lighthouse.mkv", subtitles="embedded"),
    (
        Cut(
            Speaker("Ines Falk, lighthouse keeper", "blue", "beige"),
            says=(
                Line(
                    "My grandfather lit this lamp with whale oil every evening for thirty one years.",
                    GEORGE,
                    ("lamp with whale oil",),
                ),
                Line(
                    "In the great storm of nineteen fifty three the waves broke every window below the gallery.",
                    GEORGE,
                    ("waves broke every window", "the great storm"),
                ),
            ),
            written=("lighthouse keeper",),
        ),
        Cut(
            Slide("1953", ("Every window broken", "No ship lost"), 1),
            says=(
                Line(
                    "Even so, not a single ship was lost that night, and the harbour has not forgotten it.",
                    GEORGE,
                    ("not a single ship was lost",),
                ),
            ),
            written=("No ship lost",),
        ),
        Cut(
            Speaker("Ines Falk, Cape Morrow", "blue", "grey"),
            says=(
                Line(
                    "Today a computer turns the light on, and I only clean the lens and paint the railing.",
                    GEORGE,
                    ("clean the lens and paint the railing",),
                ),
                Line(
                    "What I miss most is the sound of the fog horn early on a winter morning.",
                    GEORGE,
                    ("sound of the fog horn",),
                ),
            ),
            written=("Cape Morrow",),
        ),
        Cut(
            Slide("Visit us", ("Open from May to October", "188 steps to the top"), 1),
            says=(
                Line(
                    "If you climb all the steps to the top, you can see the islands on a clear afternoon.",
                    GEORGE,
                    ("see the islands on a clear afternoon",),
                ),
            ),
            written=("188 steps to the top", "Open from May to October"),
        ),
    ),
)

TRAFFIC = Film(
    Look("traffic-crossing.mp4"),
    (
        Cut(Scenery(scene("street", (2, "red", "car")), 11, (0.05, 0)), 7, seen=("two red cars",)),
        Cut(Scenery(scene("street", (1, "yellow", "bus")), 12, (-0.05, 0)), 7, seen=("a yellow bus",)),
        Cut(Scenery(scene("street", (3, "blue", "car")), 13, (0.04, 0)), 7, seen=("three blue cars",)),
        Cut(Scenery(scene("street", (3, "green", "person")), 14, (0.03, 0)), 7, seen=("three people in green",)),
        Cut(
            Scenery(scene("street", (1, "red", "truck"), (1, "white", "car")), 15, (0.03, 0)),
            7,
            seen=("a red truck and a white car",),
        ),
        Cut(Scenery(scene("street", (2, "orange", "bicycle")), 16, (-0.03, 0)), 7, seen=("two orange bicycles",)),
        Cut(Scenery(scene("street", (2, "purple", "bus")), 17, (0.03, 0)), 7, seen=("two purple buses",)),
    ),
    sequences=(("two red cars then a yellow bus", 0, 1), ("a yellow bus then three blue cars", 1, 2)),
)

SHAPES_FILM = Film(
    Look("shapes-silent.mp4"),
    (
        Cut(Scenery(scene("white", (2, "red", "circle")), 21), 7, seen=("two red circles",)),
        Cut(Scenery(scene("white", (3, "red", "circle")), 22), 7, seen=("three red circles",)),
        Cut(Scenery(scene("light blue", (1, "green", "star", "left")), 23), 7, seen=("a green star on the left",)),
        Cut(Scenery(scene("grey", (2, "blue", "square")), 24), 7, seen=("two blue squares",)),
        Cut(
            Scenery(scene("white", (3, "green", "triangle")), 25),
            7,
            seen=("three green triangles on a white background",),
        ),
        Cut(
            Scenery(scene("beige", (1, "blue", "circle"), (1, "orange", "square")), 26),
            7,
            seen=("a blue circle and an orange square",),
        ),
        Cut(Scenery(scene("black", (4, "yellow", "star")), 27), 7, seen=("four yellow stars",)),
    ),
    sequences=(("two red circles then three red circles", 0, 1), ("two blue squares then three green triangles", 3, 4)),
)

PORTRAIT = Film(
    Look("portrait-market.mp4", size=(360, 640), subtitles="vtt"),
    (
        Cut(
            Scenery(scene("beige", (2, "pink", "person")), 31, scale=1.6, sign="FARMERS MARKET"),
            says=(
                Line(
                    "We start at the farmers market, where two friends in pink are waiting for the bakery to open.",
                    asks=("waiting for the bakery to open",),
                ),
            ),
            written=("FARMERS MARKET",),
            seen=("two people in pink",),
        ),
        Cut(
            Scenery(scene("white", (1, "green", "bicycle")), 32, scale=1.8, sign="BIKE REPAIR"),
            says=(
                Line(
                    "Next door a green bicycle gets a new chain while its owner drinks a cup of peppermint tea.",
                    asks=("a cup of peppermint tea",),
                ),
            ),
            written=("BIKE REPAIR",),
            seen=("a green bicycle",),
        ),
        Cut(
            Scenery(scene("light blue", (3, "orange", "truck")), 33, scale=1.5, sign="FRESH FISH"),
            says=(
                Line(
                    "Three orange trucks bring mackerel and herring, straight from the boats that came in at dawn.",
                    asks=("mackerel and herring",),
                ),
            ),
            written=("FRESH FISH",),
            seen=("three orange trucks",),
        ),
        Cut(
            Scenery(scene("grey", (1, "white", "bus")), 34, scale=1.7, sign="STATION ROAD"),
            says=(
                Line(
                    "The white bus to the station stops here every twenty minutes, except on public holidays.",
                    asks=("except on public holidays",),
                ),
            ),
            written=("STATION ROAD",),
            seen=("a white bus",),
        ),
        Cut(
            Scenery(scene("beige", (2, "black", "car")), 35, scale=1.6, sign="PARKING"),
            says=(
                Line(
                    "Behind the church you may leave your car for two hours, and in the evening all night.",
                    asks=("leave your car for two hours",),
                ),
            ),
            written=("PARKING",),
            seen=("two black cars",),
        ),
    ),
)

MEETING = Film(
    Look("meeting-hospital.mp4"),
    (
        Cut(
            Board(("entrance", "waiting room", "pharmacy"), 41),
            says=(
                Line(
                    "The doctors and nurses at the hospital asked for a bigger kitchen.",
                    WALTER,
                    ("nurses and a bigger kitchen",),
                ),
                Line(
                    "I think that we need another twenty thousand dollars before the end of December.",
                    VERA,
                    ("another twenty thousand dollars before the end of december",),
                ),
            ),
            written=("waiting room", "pharmacy"),
        ),
        Cut(
            Board(("ministry", "letter", "permit"), 42),
            says=(
                Line(
                    "The second question is about the children and the school in the village.",
                    WALTER,
                    ("the second question is about the children",),
                ),
                Line("Next week the government will answer the letter that we wrote in September.", VERA),
            ),
            written=("ministry", "permit"),
        ),
        Cut(
            Board(("Saturday", "Sunday", "party"), 43),
            says=(
                Line(
                    "My mother and my father are coming to dinner on Sunday evening.",
                    WALTER,
                    ("my mother and my father on sunday evening",),
                ),
            ),
            seconds=8,
            written=("Saturday",),
        ),
    ),
)

IRREGULAR = Film(
    Look("irregular-phone.mkv", size=(640, 360), fps=24, start=1.4, irregular=True, turned=True),
    (
        Cut(Scenery(scene("striped", (2, "purple", "triangle")), 51), 9, seen=("two purple triangles",)),
        Cut(Scenery(scene("dotted", (1, "black", "square", "right")), 52), 8.5, seen=("a black square on the right",)),
        Cut(Scenery(scene("shaded", (3, "orange", "circle")), 53), 9.5, seen=("three orange circles",)),
        Cut(
            Scenery(scene("white", (1, "black", "bus"), (1, "pink", "car")), 54),
            9,
            seen=("a black bus and a pink car",),
        ),
    ),
    sequences=(("a black square then three orange circles", 1, 2),),
)

FILMS = (LECTURE, SCREENCAST, TALK, TRAFFIC, SHAPES_FILM, PORTRAIT, MEETING, IRREGULAR)

PRESENT = (
    ("car", 3),
    ("bus", 2),
    ("bicycle", 2),
    ("person", 3),
    ("truck", 3),
    ("star", 4),
    ("triangle", 3),
    ("circle", 3),
)
"""Labels and how many of them at least: queries of kind `present`."""
