"""Tiny PaddleOCR weights in Paddle's own format: dark pixels are text, and every text says `AB`."""

from __future__ import annotations

from pathlib import Path

import yaml

TEXT = "AB"
_CHARACTERS = ["A", "B"]


def write_paddleocr(folder: Path) -> Path:
    """Write `det` and `rec`, each with the graph, the parameters and `inference.yml`, as PaddleOCR publishes them."""
    import paddle

    class Detection(paddle.nn.Layer):  # type: ignore[misc]
        """Probability of text: high where the picture is dark."""

        def __init__(self) -> None:
            super().__init__()
            self.convolution = paddle.nn.Conv2D(3, 1, 1)
            self.convolution.weight.set_value(paddle.full([1, 3, 1, 1], -4.0))
            self.convolution.bias.set_value(paddle.zeros([1]))

        def forward(self, x: paddle.Tensor) -> paddle.Tensor:
            return paddle.nn.functional.sigmoid(self.convolution(x))

    class Recognition(paddle.nn.Layer):  # type: ignore[misc]
        """Four steps that say A, A, blank, B, whatever the picture."""

        def __init__(self) -> None:
            super().__init__()
            said = paddle.to_tensor([1, 1, 0, 2])
            self.steps = self.create_parameter([1, 4, len(_CHARACTERS) + 2])
            self.steps.set_value(paddle.nn.functional.one_hot(said, len(_CHARACTERS) + 2).unsqueeze(0) * 0.98 + 0.005)

        def forward(self, x: paddle.Tensor) -> paddle.Tensor:
            return self.steps + 0.0 * x.mean(axis=[1, 2, 3]).reshape([-1, 1, 1])

    _save(folder / "det", Detection(), [None, 3, None, None], _detection())
    _save(folder / "rec", Recognition(), [None, 3, 48, None], _recognition())
    return folder


def _save(folder: Path, layer: object, shape: list[int | None], configuration: dict[str, object]) -> None:
    import paddle

    folder.mkdir(parents=True)
    layer.eval()  # type: ignore[attr-defined]
    specification = [paddle.static.InputSpec(shape, "float32", name="x")]
    paddle.jit.save(paddle.jit.to_static(layer, input_spec=specification, full_graph=True), str(folder / "inference"))
    (folder / "inference.yml").write_text(yaml.safe_dump(configuration))


def _detection() -> dict[str, object]:
    return {
        "Global": {"model_name": "PP-OCRv5_mobile_det"},
        "PreProcess": {
            "transform_ops": [
                {"DecodeImage": {"channel_first": False, "img_mode": "BGR"}},
                {"DetResizeForTest": {"resize_long": 960}},
                {
                    "NormalizeImage": {
                        "mean": [0.5, 0.5, 0.5],
                        "std": [0.5, 0.5, 0.5],
                        "scale": "1./255.",
                        "order": "hwc",
                    }
                },
                {"ToCHWImage": None},
                {"KeepKeys": {"keep_keys": ["image", "shape", "polys", "ignore_tags"]}},
            ]
        },
        "PostProcess": {
            "name": "DBPostProcess",
            "thresh": 0.3,
            "box_thresh": 0.6,
            "max_candidates": 1000,
            "unclip_ratio": 1.5,
        },
    }


def _recognition() -> dict[str, object]:
    return {
        "Global": {"model_name": "PP-OCRv5_mobile_rec"},
        "PreProcess": {
            "transform_ops": [
                {"DecodeImage": {"channel_first": False, "img_mode": "BGR"}},
                {"MultiLabelEncode": {"gtc_encode": "NRTRLabelEncode"}},
                {"RecResizeImg": {"image_shape": [3, 48, 320]}},
                {"KeepKeys": {"keep_keys": ["image", "label_ctc", "label_gtc", "length", "valid_ratio"]}},
            ]
        },
        "PostProcess": {"name": "CTCLabelDecode", "character_dict": _CHARACTERS},
    }
