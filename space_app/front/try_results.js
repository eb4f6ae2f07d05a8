const drawn = () => props.value || {};

const choose = (section, bar, word) => {
  const trial = drawn().trials[Number(section.dataset.trial)];
  const chosen = trial.bars[bar];
  section.dataset.bar = bar;
  section.querySelectorAll('[data-bar]').forEach((each) => each.setAttribute('aria-pressed', Number(each.dataset.bar) === bar));
  const picture = section.querySelector('[data-picture]');
  picture.src = chosen.picture;
  picture.alt = `The picture that was asked: ${chosen.name} hidden`;
  const took = word === undefined ? '' : ` It took most of "${trial.words[word]}": ${chosen.losses[word]} nats.`;
  const by = trial.measure && chosen.score ? ` Compared by ${trial.measure}: ${chosen.score}.` : '';
  section.querySelector('[data-cost]').textContent =
    `With ${chosen.name} hidden the response loses ${chosen.drop} nats: ${chosen.kept} % of its probability is left.${by}${took}`;
  section.querySelectorAll('[data-word]').forEach((each) => {
    const place = Number(each.dataset.word);
    each.style.setProperty('--shade', chosen.shades[place]);
    each.title = `${chosen.losses[place]} nats`;
    each.setAttribute('aria-pressed', place === word);
  });
};

const restore = () => {
  const opacity = element.querySelector('[data-opacity]');
  const boxes = element.querySelector('[data-boxes]');
  if (opacity) opacity.value = element.dataset.opacity || 65;
  if (boxes) boxes.checked = element.style.getPropertyValue('--boxes') !== 'none';
  element.querySelectorAll('[data-trial]').forEach((section) => {
    const bars = drawn().trials[Number(section.dataset.trial)].bars;
    const reported = bars.findIndex((bar) => bar.kind === 'chosen');
    choose(section, Math.max(0, reported));
  });
};

element.addEventListener('click', (event) => {
  const section = event.target.closest('[data-trial]');
  const bar = event.target.closest('[data-bar]');
  const word = event.target.closest('[data-word]');
  if (word) {
    const place = Number(word.dataset.word);
    const region = drawn().trials[Number(section.dataset.trial)].taken_by[place];
    if (region === null) {
      section.querySelector('[data-cost]').textContent = `"${word.textContent}" loses nothing, whichever region is hidden.`;
    } else {
      choose(section, region, place);
    }
  } else if (bar && bar.matches('button')) {
    choose(section, Number(bar.dataset.bar));
  }
});

element.addEventListener('input', (event) => {
  if (event.target.matches('[data-opacity]')) {
    element.dataset.opacity = event.target.value;
    element.style.setProperty('--opacity', event.target.value / 100);
  }
  if (event.target.matches('[data-boxes]')) element.style.setProperty('--boxes', event.target.checked ? 'block' : 'none');
});

watch('value', restore);
restore();
