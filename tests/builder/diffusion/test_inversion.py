"""The way to noise and back, against diffusers' own step and by the laws that must hold."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

from diffusers import DDIMScheduler  # noqa: E402

from builder.diffusion.inversion import Guidance, Schedule, edited, invert  # noqa: E402

SHAPE = (1, 4, 8, 8)
NOTHING, EVERYTHING = torch.zeros(8, 8, dtype=torch.bool), torch.ones(8, 8, dtype=torch.bool)
LEFT = torch.arange(8).expand(8, 8) < 4


def latents(seed=0):
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(SHAPE).astype(np.float32))


def predict(noisy, time):
    """No constant, and not the noise that was put in."""
    return torch.tanh(noisy.roll(1, dims=-1) * 0.7) + time / 2000


def pair(noisy, time):
    """Of the empty prompt, and of one that pulls elsewhere."""
    plain = predict(noisy, time)
    return torch.cat([plain, plain + 0.3 * torch.sin(noisy)])


def same(noisy, time):
    return predict(noisy, time).repeat(2, 1, 1, 1)


def inverted_of(schedule, picture):
    return invert(picture, schedule, predict, np.random.default_rng(1))


@pytest.mark.parametrize("steps", [10, 50, 200])
def test_a_move_with_its_noise_is_the_step_of_the_scheduler(steps):
    scheduler = DDIMScheduler(
        beta_start=1e-4, beta_end=0.02, beta_schedule="linear", clip_sample=False,
        prediction_type="epsilon", timestep_spacing="trailing",
    )  # fmt: skip
    scheduler.set_timesteps(steps)
    schedule = Schedule(steps, 0.0)
    assert schedule.times == scheduler.timesteps.tolist()
    for time in (schedule.times[0], schedule.times[steps // 2], schedule.times[-1]):
        noisy, noise, drawn = latents(2), latents(3), latents(4)
        move = schedule.move(noisy, time, noise)
        wanted = scheduler.step(noise, time, noisy, eta=1.0, variance_noise=drawn).prev_sample
        torch.testing.assert_close(move.mean + move.deviation * drawn, wanted, atol=2e-6, rtol=2e-6)


def test_noise_is_put_in_as_the_scheduler_does_it():
    scheduler = DDIMScheduler(beta_start=1e-4, beta_end=0.02, beta_schedule="linear")
    wanted = scheduler.add_noise(latents(), latents(1), torch.tensor([499]))
    torch.testing.assert_close(Schedule(100, 0).noised(latents(), 499, latents(1)), wanted)


def test_the_noisiest_steps_are_skipped():
    whole, schedule = Schedule(200, 0.0), Schedule(200, 0.3)
    assert len(whole.times) == 200 and whole.times[0] == 999 and whole.times[-1] == 4
    assert schedule.times == whole.times[60:]


@pytest.mark.parametrize(("steps", "skip"), [(300, 0.3), (0, 0.3), (200, 1.0), (200, -0.1)])
def test_settings_that_do_not_go_together_are_refused(steps, skip):
    with pytest.raises(ValueError, match="steps divide 1000"):
        Schedule(steps, skip)


def test_the_way_back_with_the_same_prompt_is_the_way_that_was_taken():
    """The last step has no noise of its own, so it ends in the network's prediction of the picture."""
    schedule, picture = Schedule(50, 0.3), latents()
    inverted = inverted_of(schedule, picture)
    at, steps = inverted.path[0], zip(schedule.times, inverted.noises, inverted.path[1:], strict=True)
    for time, noise, there in list(steps)[:-1]:
        move = schedule.move(at, time, predict(at, time))
        at = move.mean + move.deviation * noise
        torch.testing.assert_close(at, there, atol=1e-4, rtol=1e-4)
    last = schedule.move(
        inverted.path[-2], schedule.times[-1], predict(inverted.path[-2], schedule.times[-1])
    )
    back = edited(inverted, schedule, same, Guidance(7.5, EVERYTHING))
    torch.testing.assert_close(back, last.mean, atol=1e-4, rtol=1e-4)


def test_a_network_that_knows_the_noise_gives_the_picture_back_exactly():
    schedule, picture = Schedule(100, 0.3), latents()

    def oracle(noisy, time):
        signal = schedule.signal[time]
        return (noisy - signal**0.5 * picture) / (1 - signal) ** 0.5

    inverted = invert(picture, schedule, oracle, np.random.default_rng(0))
    back = edited(inverted, schedule, lambda noisy, time: oracle(noisy, time).repeat(2, 1, 1, 1),
                  Guidance(7.5, EVERYTHING))  # fmt: skip
    torch.testing.assert_close(back, picture, atol=1e-4, rtol=1e-4)


def test_all_noise_is_finite_and_the_last_is_none():
    inverted = inverted_of(Schedule(20, 0.0), latents())
    assert all(torch.isfinite(noise).all() for noise in inverted.noises)
    assert not inverted.noises[-1].any() and inverted.noises[-2].any()


def test_each_step_of_the_inversion_has_noise_of_its_own():
    schedule, picture = Schedule(20, 0.0), latents()
    inverted = inverted_of(schedule, picture)
    drawn = []
    for time, noisy in zip(schedule.times, inverted.path, strict=False):
        signal = schedule.signal[time]
        drawn.append(((noisy - signal**0.5 * picture) / (1 - signal) ** 0.5).flatten())
    correlations = torch.corrcoef(torch.stack(drawn)) - torch.eye(20)
    assert correlations.abs().max() < 0.35


def test_what_is_kept_is_kept_to_the_bit_and_the_rest_changes():
    schedule, picture = Schedule(50, 0.3), latents()
    inverted = inverted_of(schedule, picture)
    assert torch.equal(edited(inverted, schedule, pair, Guidance(7.5, NOTHING)), picture)
    half = edited(inverted, schedule, pair, Guidance(7.5, LEFT))
    assert torch.equal(half[..., ~LEFT], picture[..., ~LEFT])
    assert (half[..., LEFT] - picture[..., LEFT]).abs().mean() > 0.05


def test_kept_latents_are_those_of_the_step_just_reached():
    schedule = Schedule(20, 0.0)
    inverted, seen = inverted_of(schedule, latents()), []

    def watched(noisy, time):
        seen.append(noisy)
        return pair(noisy, time)

    edited(inverted, schedule, watched, Guidance(7.5, LEFT))
    for noisy, there in zip(seen, inverted.path, strict=False):
        assert torch.equal(noisy[..., ~LEFT], there[..., ~LEFT])


def test_guidance_of_one_is_the_prompts_own_prediction_and_more_pulls_further():
    schedule = Schedule(50, 0.3)
    inverted = inverted_of(schedule, latents())

    def prompted(noisy, time):
        return pair(noisy, time)[1:].repeat(2, 1, 1, 1)

    one = edited(inverted, schedule, pair, Guidance(1.0, EVERYTHING))
    torch.testing.assert_close(
        one, edited(inverted, schedule, prompted, Guidance(1.0, EVERYTHING)), atol=1e-4, rtol=1e-4
    )
    plain = edited(inverted, schedule, same, Guidance(1.0, EVERYTHING))
    more = edited(inverted, schedule, pair, Guidance(2.0, EVERYTHING))
    assert (more - plain).abs().mean() > (one - plain).abs().mean() > 0
