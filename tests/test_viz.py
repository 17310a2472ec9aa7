"""Pictures: the fixed mapping of values to colours, layout, GIFs, alternative text."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from diffusion_lab import CLASSES, ContextUnet, load_sprites, viz
from diffusion_lab.notebook import context_mixer, figure, live_mixer, noise_slider, sampler_comparison, show, trajectory_slider
from diffusion_lab.samplers import State
from diffusion_lab.schedules import cosine


def flat(value, b=1):
    return torch.full((b, 3, 16, 16), float(value))


def test_minus_one_to_one_becomes_0_to_255_and_clips():
    for value, byte in ((-1, 0), (0, 128), (1, 255), (-7, 0), (7, 255), (0.5, 191)):
        assert (viz.to_uint8(flat(value)) == byte).all()


def test_pictures_are_not_rescaled_by_their_own_range():
    faint = flat(0.0)
    faint[:, :, 0, 0] = 0.1
    assert viz.to_uint8(faint).max() == 140 and viz.to_uint8(faint).min() == 128


def test_bytes_and_tensors_make_the_same_picture():
    images = np.random.default_rng(0).integers(0, 256, (5, 16, 16, 3), dtype=np.uint8)
    tensor = torch.from_numpy(images).permute(0, 3, 1, 2) / 127.5 - 1
    assert np.array_equal(viz.to_uint8(tensor), images)
    assert np.array_equal(np.asarray(viz.grid(tensor)), np.asarray(viz.grid(images)))


@pytest.mark.parametrize("shape", [(3, 16, 16), (2, 1, 16, 16), (2, 16, 16, 3)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(ValueError, match="pictures must be"):
        viz.to_uint8(torch.zeros(shape))


def test_grid_places_sprites_in_reading_order_with_a_white_gap():
    picture = np.asarray(viz.grid(torch.cat([flat(-1), flat(0), flat(-0.5)]), columns=2, scale=3))
    assert picture.shape == (3 * 35, 3 * 35, 3)
    assert (picture[3:51, 3:51] == 0).all() and (picture[3:51, 54:102] == 128).all() and (picture[54:102, 3:51] == 64).all()
    assert (picture[:3] == 255).all() and (picture[54:, 54:] == 255).all()


def test_strip_shows_equally_spaced_moments_in_rows_under_their_times():
    frames = torch.stack([flat(i / 10 - 1, b=2) for i in range(21)])
    picture = np.asarray(viz.strip(frames, range(21), count=5, scale=1))
    assert picture.shape == (20 + 35, 5 * 17 + 1, 3)
    assert [picture[21, 1 + 17 * i, 0] for i in range(5)] == [0, 64, 128, 191, 255]
    other = np.asarray(viz.strip(frames, range(1, 22), count=5, scale=1))
    assert (picture[20:] == other[20:]).all() and (picture[:20] != other[:20]).any()


def test_grid_has_labels_at_the_left_of_its_rows():
    plain = np.asarray(viz.grid(flat(0, b=4), columns=2, scale=2))
    labelled = np.asarray(viz.grid(flat(0, b=4), columns=2, scale=2, labels=["one", ""]))
    margin = labelled.shape[1] - plain.shape[1]
    assert (labelled[:, margin:] == plain).all() and margin > 20
    assert (labelled[:35, :margin] != 255).any() and (labelled[36:, :margin] == 255).all()
    with pytest.raises(ValueError, match="2 rows and 3 labels"):
        viz.grid(flat(0, b=4), columns=2, labels=["a", "b", "c"])


def test_strip_wants_a_time_for_each_frame():
    with pytest.raises(ValueError, match="2 frames and 3 times"):
        viz.strip(torch.zeros(2, 1, 3, 16, 16), [1, 2, 3])


def test_side_by_side_has_both_pictures_under_their_titles():
    left, right = viz.grid(flat(-1), scale=3), viz.grid(flat(0), scale=3)
    both = np.asarray(viz.side_by_side(left, right, ("a", "b")))
    assert both.shape == (20 + 54, 54 + 40 + 54, 3)
    assert (both[20:, :54] == np.asarray(left)).all() and (both[20:, 94:] == np.asarray(right)).all()
    assert (both[:20, :54] != 255).any() and (both[:20, 94:] != 255).any() and (both[:, 60:90] == 255).all()


def test_gif_has_every_frame_true_colours_and_loops():
    frames = torch.stack([flat(v, b=4) for v in (-1, -0.5, 0, 0.5)])
    data = viz.gif(frames, columns=2, scale=2, seconds=2, hold=1)
    with Image.open(io.BytesIO(data)) as film:
        assert film.n_frames == 4 and film.info["loop"] == 0 and film.size == (70, 70)
        for i, byte in enumerate((0, 64, 128, 191)):
            film.seek(i)
            assert np.asarray(film.convert("RGB"))[10, 10].tolist() == [byte] * 3
            assert film.info["duration"] == (1500 if i == 3 else 500)
    assert data == viz.gif(frames, columns=2, scale=2, seconds=2, hold=1)


def test_gif_keeps_the_sprites_colours_beside_frames_of_noise():
    sprites = torch.from_numpy(load_sprites("held_out").images[::135]).permute(0, 3, 1, 2) / 127.5 - 1
    noise = torch.randn(6, *sprites.shape, generator=torch.Generator().manual_seed(0))
    with Image.open(io.BytesIO(viz.gif([*noise, sprites], columns=8, scale=1))) as film:
        film.seek(6)
        last = np.asarray(film.convert("RGB")).astype(int)
    wanted = np.asarray(viz.grid(sprites, columns=8, scale=1)).astype(int)
    assert (last[:, 0] == 255).all() and abs(last - wanted).mean() < 3


def test_show_embeds_the_picture_with_its_alternative_text(monkeypatch):
    shown = []
    monkeypatch.setattr("diffusion_lab.notebook.display", shown.append)
    fig, axis = figure()
    axis.plot([0, 1])
    for picture, kind in ((viz.grid(flat(0)), "png"), (viz.gif([flat(0)]), "gif"), (fig, "png")):
        show(picture, alt='a "grey" square')
        assert '<img alt="a &quot;grey&quot; square" style' in shown[-1].data and f"data:image/{kind};base64," in shown[-1].data


def test_show_wants_alternative_text():
    with pytest.raises(ValueError, match="alt must say"):
        show(viz.grid(flat(0)), alt=" ")


def test_the_slider_chooses_among_ready_pictures_and_leaves_a_still(monkeypatch):
    shown = []
    monkeypatch.setattr("diffusion_lab.notebook.display", shown.append)
    states = [State(t, flat(t / 10 - 1, b=3), flat(0, b=3)) for t in range(9, -1, -1)]
    trajectory_slider(states, count=2, scale=2)
    box, still = shown
    slider, label = box.children[0].children
    picture = box.children[1]
    assert slider.description == "moment" and (slider.min, slider.max) == (0, 9) and not slider.continuous_update
    last = picture.value
    slider.value = 0
    assert picture.value != last and label.value.startswith("t = 9")
    assert Image.open(io.BytesIO(picture.value)).size == (70, 70)
    assert "2 sprites at the times 9, 4, 2, 0" in still.data


def test_the_slider_wants_states():
    with pytest.raises(ValueError, match=r"give list\(sampler\)"):
        trajectory_slider([])


def test_the_mixer_draws_again_for_each_control_and_leaves_a_still(monkeypatch):
    shown, asked = [], []
    monkeypatch.setattr("diffusion_lab.notebook.display", shown.append)
    torch.manual_seed(0)
    model = ContextUnet(n_feat=8, prediction="v").eval()
    model.register_forward_pre_hook(lambda *_: asked.append(1))
    torch.nn.init.normal_(model.contextembed2.model[2].weight)  # so that a new network hears the context
    context_mixer(model, cosine(), n=2, steps=3)
    controls, picture, _ = shown[0].children
    controls = {control.description: control for control in controls.children}
    assert list(controls) == [*CLASSES, "guidance", "seed"]
    assert not any(control.continuous_update for control in controls.values())
    assert "for the context hero, guidance 2, seed 0" in shown[1].data
    pictures = {bytes(picture.value)}
    for name, value in (("food", 1.0), ("hero", 0.0), ("guidance", 5.0), ("seed", 3)):
        controls[name].value = value
        pictures.add(bytes(picture.value))
    assert len(pictures) == 5 and len(asked) == 5 * 3
    controls["seed"].value, controls["guidance"].value, controls["hero"].value, controls["food"].value = 0, 2.0, 1.0, 0.0
    assert len(pictures | {bytes(picture.value)}) == 5  # the first setting gives the first picture again


def test_the_live_mixer_takes_all_steps_of_its_network_and_draws_while_sliders_move(monkeypatch):
    shown, times = [], []
    monkeypatch.setattr("diffusion_lab.notebook.display", shown.append)
    torch.manual_seed(0)
    model = ContextUnet(n_feat=8, prediction="v").eval()
    model.register_forward_pre_hook(lambda _, inputs: times.append((len(inputs[0]), inputs[1][0].item())))
    torch.nn.init.normal_(model.contextembed2.model[2].weight)  # so that a new network hears the context
    live_mixer(model, cosine(4), n=3)
    assert times == [(3, 1.0), (3, 0.75), (3, 0.5), (3, 0.25)]  # one batch of three: no second half for guidance
    controls, picture, _ = shown[0].children
    controls = {control.description: control for control in controls.children}
    assert list(controls) == [*CLASSES, "seed"] and all(control.continuous_update for control in controls.values())
    assert "3 sprites for the context hero, seed 0" in shown[1].data
    first = bytes(picture.value)
    controls["food"].value = 1.0
    second = bytes(picture.value)
    controls["food"].value = 0.0
    assert second != first == bytes(picture.value)
    controls["seed"].value = 1
    assert bytes(picture.value) not in (first, second)


def test_the_noise_slider_shows_sprite_noise_and_belief(monkeypatch):
    shown = []
    monkeypatch.setattr("diffusion_lab.notebook.display", shown.append)
    torch.manual_seed(0)
    model = ContextUnet(n_feat=8, prediction="x0").eval()
    noise_slider(model, cosine(), torch.cat([flat(-1), flat(1)]), scale=1)
    controls, picture, _ = shown[0].children
    which, level = controls.children
    assert (which.description, level.description) == ("sprite", "time t") and level.options[0] == 0 and level.options[-1] == 500

    def seen():
        return np.asarray(Image.open(io.BytesIO(picture.value)))[1:17].reshape(16, -1, 3)

    level.value = 0
    assert (seen()[:, 1:17] == 0).all() and (seen()[:, 18:34] == 0).all() and (seen()[:, 35:51] == 0).all()
    which.value = 2
    assert (seen()[:, 1:17] == 255).all() and (seen()[:, 35:51] == 255).all()
    level.value = 500
    assert seen()[:, 18:34].std() > 50 and (seen()[:, 1:17] == 255).all()
    assert "with noise at t = 200" in shown[1].data


def test_the_comparison_draws_three_samplers_from_one_noise(monkeypatch):
    shown, batches = [], []
    monkeypatch.setattr("diffusion_lab.notebook.display", shown.append)
    torch.manual_seed(0)
    model = ContextUnet(n_feat=8, prediction="v").eval()
    model.register_forward_pre_hook(lambda _, inputs: batches.append(inputs[0].clone()))
    sampler_comparison(model, cosine(), n=2, scale=1)
    controls, picture, _ = shown[0].children
    steps, seed = controls.children
    assert len(batches) == 3 * 5 and torch.equal(batches[0], batches[5]) and torch.equal(batches[5], batches[10])
    pictures = {bytes(picture.value)}
    for control, value in ((steps, 3), (seed, 1)):
        control.value = value
        pictures.add(bytes(picture.value))
    assert len(pictures) == 3 and len(batches) == 3 * (5 + 3 + 3)


def test_an_error_in_a_callback_is_shown_in_the_page(monkeypatch):
    shown = []
    monkeypatch.setattr("diffusion_lab.notebook.display", shown.append)
    torch.manual_seed(0)
    model = ContextUnet(n_feat=8, prediction="v").eval()
    context_mixer(model, cosine(), n=2, steps=3)
    controls, picture, trouble = shown[0].children
    before = bytes(picture.value)
    with monkeypatch.context() as broken:
        broken.setattr("diffusion_lab.notebook.png", lambda picture: 1 / 0)  # the next drawing fails
        controls.children[-1].value = 5
    assert bytes(picture.value) == before and "could not be drawn. ZeroDivisionError: division by zero" in trouble.value
    controls.children[-1].value = 6
    assert bytes(picture.value) != before and trouble.value == ""
