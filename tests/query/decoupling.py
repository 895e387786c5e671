"""Questions taken apart by hand, as Video-RAG's scheme would: where each is answered, and what is asked for there.

Written for this project; the labels are those of a common detector.
"""

from __future__ import annotations

from dataclasses import dataclass

LABELS = (
    "person", "bicycle", "car", "motorcycle", "bus", "train", "truck", "boat", "traffic light", "bench", "bird", "cat",
    "dog", "horse", "backpack", "umbrella", "handbag", "bottle", "cup", "knife", "bowl", "banana", "apple", "chair",
    "couch", "potted plant", "dining table", "tv", "laptop", "mouse", "keyboard", "cell phone", "book", "clock",
)  # fmt: skip

SAID, WRITTEN, SEEN, ANY = "speech", "screen_text", "visual", "any"


@dataclass(frozen=True)
class Question:
    """`aim`: the channel that answers it, or any; `asked`: what it is to be asked for; `things`: labels."""

    text: str
    aim: str
    asked: str
    things: tuple[str, ...] = ()


QUESTIONS = (
    # what was said
    Question("what does she say about the budget?", SAID, "the budget"),
    Question("What did the professor say about gradient descent?", SAID, "gradient descent"),
    Question("What is said about the price of flour?", SAID, "the price of flour"),
    Question("When do they talk about climate change?", SAID, "climate change"),
    Question("where does he mention the new office in Lisbon", SAID, "the new office in Lisbon"),
    Question("Which remedies against overfitting does the speaker recommend?", SAID, "remedies against overfitting"),
    Question(
        "How does the marketing expert justify the remote control's price?",
        ANY,
        "marketing expert justify remote control's price",
    ),
    Question("What was the opinion of the team about speech recognition?", SAID, "speech recognition"),
    Question("What did they discuss about the battery?", SAID, "the battery"),
    Question("Summarise the discussion about the user interface", SAID, "the user interface"),
    Question("Why did Maria disagree with the proposal?", SAID, "Maria disagree with the proposal"),
    Question("What did the group decide on the shape of the case?", SAID, "the shape of the case"),
    Question("what do people think about rubber buttons", SAID, "rubber buttons"),
    Question("someone explains how to save a file", SAID, "how to save a file"),
    Question("he tells us about his childhood in Norway", SAID, "his childhood in Norway"),
    Question("the moment where she announces the winner", SAID, "the winner"),
    Question("did anybody suggest a cheaper chip?", SAID, "a cheaper chip"),
    Question("the part in which the teacher describes photosynthesis", SAID, "photosynthesis"),
    Question("According to the guide, when was the lighthouse built?", SAID, "when was the lighthouse built"),
    Question("How much does the narrator say the repair cost?", SAID, "the repair cost"),
    # what stood on screen
    Question("street sign that says Rue de Londres", WRITTEN, "Rue de Londres"),
    Question("What is written on the whiteboard?", WRITTEN, "whiteboard"),
    Question("the slide about convolutional networks", WRITTEN, "convolutional networks"),
    Question("slide titled Early Stopping", WRITTEN, "Early Stopping"),
    Question("which slide shows the learning rate?", WRITTEN, "the learning rate"),
    Question("the menu with the entry Export", WRITTEN, "Export"),
    Question("when does the text Fungi appear on screen", WRITTEN, "Fungi"),
    Question("a poster with the words Save the Bees", WRITTEN, "Save the Bees"),
    Question("the error message ModuleNotFoundError on the screen", WRITTEN, "ModuleNotFoundError"),
    Question("what does the sign above the door read?", WRITTEN, "the sign above the door"),
    Question("a button labelled Submit", WRITTEN, "Submit"),
    Question("the caption reads Rotterdam 1953", WRITTEN, "Rotterdam 1953"),
    # what was seen
    Question("how many cars are at the crossing?", SEEN, "cars at the crossing", ("car",)),
    Question(
        "a woman with an umbrella next to a bicycle",
        SEEN,
        "woman umbrella next bicycle",
        ("person", "umbrella", "bicycle"),
    ),
    Question("What colour is the bus?", SEEN, "colour bus", ("bus",)),
    Question("what is the man wearing?", SEEN, "man wearing", ("person",)),
    Question("is there a dog on the couch?", SEEN, "dog couch", ("dog", "couch")),
    Question("where is the cup, left or right of the laptop?", SEEN, "cup left right laptop", ("cup", "laptop")),
    Question("two people sitting on a bench", SEEN, "two people sitting on a bench", ("person", "bench")),
    Question("what is she holding in her hand?", SEEN, "holding hand"),
    Question("a sunset that looks like fire", SEEN, "sunset looks like fire"),
    Question("who enters the room first, the man or the dog?", SEEN, "enters room first man dog", ("person", "dog")),
    Question("a close-up of a clock on a wall", SEEN, "close-up clock wall", ("clock",)),
    Question("what stands on the table?", SEEN, "stands table", ("dining table",)),
    # anything
    Question("gradient descent", ANY, "gradient descent"),
    Question("how hot should the oven be?", ANY, "how hot should the oven be?"),
    Question("a train at night", ANY, "a train at night", ("train",)),
    Question("how to install the package", ANY, "how to install the package"),
    Question("Who presents the office layout?", ANY, "presents office layout"),
    Question("knead the dough for ten minutes", ANY, "knead the dough for ten minutes"),
    Question("the slide and the swings on the playground", ANY, "slide swings playground"),
    Question("speech bubbles in a comic", ANY, "speech bubbles in a comic"),
)
