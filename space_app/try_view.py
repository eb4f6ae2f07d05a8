"""What the page shows of a run, as the plain values that its templates in `front/` take."""

from __future__ import annotations

from collections.abc import Sequence

from templates import Shown

from medground_bench.drawing.layers import box_shares, exact_layer, film_layer, heat_layer
from medground_bench.methods.medfocus import WHOLE_IMAGE, MedFocus
from medground_bench.runs.explain import Explanation, Film
from medground_bench.runs.live import AnswerStep, MethodStep
from medground_bench.runs.method_groups import group_of
from medground_bench.runs.trials import Trial, taken_by


def shown_preview(film: Film, credit: str = "", link: str = "") -> Shown:
    """A picture as it is read, and how; whose it is where we know."""
    lines = [film.how.as_text(), *(f"Note: {told}." for told in film.how.notes)]
    return {"film": film_layer(film.picture), "lines": lines, "credit": credit, "link": link}


def shown_status(text: str, *, done: int, total: int, running: bool = True) -> Shown:
    """How far a run is."""
    return {"text": f"{text} ..." if running else text, "done": done, "total": total}


def shown_answer(step: AnswerStep, limits: Sequence[str]) -> Shown:
    """The answer, and what must be known before it is believed."""
    response = " ".join(step.answered.case.response.text.split())
    told = [f"{note}." for note in step.film.how.notes]
    return {
        "answer": step.answered.answer.value,
        "response": response,
        "question": step.answered.case.prompt.split("\n")[0],
        "seconds": _seconds(step.seconds),
        "limits": list(limits),
        "notes": told,
    }


def shown_film(step: AnswerStep) -> Shown:
    """The film, over which every method's layers lie."""
    height, width = step.film.picture.shape
    return {"film": film_layer(step.film.picture), "width": width, "height": height}


def shown_method(step: MethodStep, step_of: AnswerStep) -> Shown:
    """One method's layers and what stands under them."""
    each = step.explanation
    evidence, native = each.explained.attribution, step_of.answered.case.native
    return {
        "name": each.method,
        "group": group_of(each.method).value,
        "seconds": _seconds(each.seconds),
        "caption": caption_of(step),
        "heat": heat_layer(evidence.saliency, native) if evidence.saliency else None,
        "boxes": [_box(each, place) for place in range(len(each.explained.boxes))],
    }


def caption_of(step: MethodStep) -> str:
    """What stands under a method's picture: concept, tuning, why there is no box, what was not read as one, doubts."""
    each, evidence = step.explanation, step.explanation.explained.attribution
    parts = [evidence.concept] if evidence.concept and each.explained.boxes else []
    parts += [f"no box: {each.no_box_because}"] if each.no_box_because else []
    parts += [f"tuned on {step.tuned_on} cases"] if step.tuned_on is not None else []
    parts += [f"not read as boxes: {'; '.join(evidence.refused)}"] if evidence.refused else []
    parts += each.doubts
    return "; ".join(parts)


def shown_trials(explanation: Explanation, trials: Sequence[Trial]) -> Shown:
    """The chart of concepts and groups, with the picture that was asked and the words' losses for each."""
    method = explanation.settings
    assert isinstance(method, MedFocus)
    longest = max([*(trial.drop for trial in trials), method.least_drop]) or 1.0
    most = max([word.drop for trial in trials for word in trial.words] + [0.0]) or 1.0
    return {
        "method": explanation.method,
        "lead": _lead(explanation, method),
        "measure": method.rule.measure,
        "least": round(100 * method.least_drop / longest, 2) if method.rule.of_delta else None,
        "most": f"{most:.2f}",
        "bars": [_bar(trial, longest, most) for trial in trials],
        "words": [word.text.strip() for word in trials[0].words],
        "taken_by": taken_by(trials),
    }


def _lead(explanation: Explanation, method: MedFocus) -> str:
    evidence, rule = explanation.explained.attribution, method.rule
    line = (
        f"{method.least_drop:.2f}, the dashed line"
        if rule.of_delta
        else f"{method.least_drop:.2f} {rule.measure}"
    )
    told = f"A region must exceed {line}."
    if evidence.concept == WHOLE_IMAGE:
        told = f"No region exceeds {line}, so the whole image is reported."
    elif rule.measure:
        told = f"{told} What decides among those that do is the number on the right, {rule.measure}."
    missing = ", ".join(evidence.missing_concepts)
    not_tried = f" Not found on the picture, so not tried: {missing}." if missing else ""
    return f"Delta, nats of log-probability that the response loses. {told}{not_tried}"


def _bar(trial: Trial, longest: float, most: float) -> Shown:
    return {
        "name": trial.name,
        "kind": "chosen" if trial.chosen else "group" if trial.is_group else "concept",
        "drop": f"{trial.drop:.2f}",
        "score": trial.score,
        "kept": f"{100 * trial.kept:.0f}",
        "width": round(100 * max(0.0, trial.drop) / longest, 2),
        "picture": exact_layer(trial.picture),
        "shades": [round(word.drop / most, 3) for word in trial.words],
        "losses": [f"{word.drop:.2f}" for word in trial.words],
    }


def _box(explanation: Explanation, place: int) -> Shown:
    box = explanation.explained.boxes[place]
    shares = box_shares(box)
    return {
        "left": shares.left,
        "top": shares.top,
        "width": shares.width,
        "height": shares.height,
        "label": (explanation.explained.attribution.concept or "") if place == 0 else "",
        "xyxy": [round(value, 1) for value in box.xyxy],
    }


def _seconds(seconds: float) -> str:
    return f"{seconds:.2f}"
