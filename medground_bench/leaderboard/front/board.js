// The board on a page: draws what `page_data` says and computes nothing. Words of others are put in as text, never as
// HTML; only figures, which the library drew itself, are put in as they are.
//
// provider.page(params)          a promise of what an address asks for
// provider.file(params, ending)  a promise of {name, type, content}, content a Uint8Array or text
// provider.endings               files that can be had
//
// `first` is what is drawn at once; what is returned draws what the address asks for now.
const mountBoard = (root, provider, first) => {
  let page = first;
  const make = (tag, attributes = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (value === true) element.setAttribute(name, '');
      else if (value !== false && value !== null) element.setAttribute(name, value);
    }
    element.append(...children);
    return element;
  };

  const names = () => [...page.filters.map((filter) => filter.name), 'sort', 'shown'];
  const asked = () => {
    const found = new URLSearchParams(location.search);
    if (!isHere(found)) return {};
    return Object.fromEntries(names().filter((name) => found.get(name)).map((name) => [name, found.get(name)]));
  };
  const isHere = (found) => ['board', null].includes(found.get('tab'));
  const address = (changes) => {
    const url = new URL(location.href);
    if (!isHere(url.searchParams)) url.search = '';
    for (const [name, value] of Object.entries(changes)) {
      if (value) url.searchParams.set(name, value);
      else url.searchParams.delete(name);
    }
    return url;
  };
  const change = (changes) => {
    history.pushState(history.state, '', address(changes));
    return load();
  };
  let latest = 0;
  const load = async () => {
    const turn = (latest += 1);
    root.setAttribute('aria-busy', 'true');
    try {
      const loaded = await provider.page(asked());
      if (turn === latest) page = loaded;
    } catch (error) {
      if (turn === latest) page = { ...page, rows: [], elsewhere: [], chart: null, caption: String(error.message || error) };
    }
    if (turn === latest) draw();
  };

  const badgeOf = (row) => make('span', { class: `tag ${row.badge}` }, row.measured);
  const familyOf = (row) => (row.family === 'control' ? [make('span', { class: 'tag control' }, 'control')] : []);
  const linkTo = (address, text) => make('a', { href: address, target: '_blank', rel: 'nofollow noopener noreferrer' }, text);
  const cellOf = (row, place) => {
    if (row.links[place]) return [linkTo(row.links[place], row.texts[place])];
    if (!row.intervals[place]) return [row.texts[place]];
    return [make('span', { class: 'number' }, row.texts[place]), make('span', { class: 'interval' }, row.intervals[place])];
  };

  // Columns in which some row has a value; the first is always there.
  const isOfWords = (column) => ['words', 'link'].includes(column.unit);
  const hasValue = (place) => place === 0 || page.rows.some((row) => row.texts[place] !== '-');
  const places = () => page.columns.map((_column, place) => place).filter(hasValue);
  const unseen = () => {
    const names = page.columns.filter((_column, place) => !hasValue(place)).map((column) => column.name);
    return names.length ? [make('p', { class: 'note' }, `No row has a value here, so these columns are in files alone: ${names.join(', ')}.`)] : [];
  };

  const heads = () => {
    const sortButton = (key, name, unit, explanation, isWords = false) => {
      const falls = page.sort === `-${key}`;
      const rises = page.sort === key;
      const mark = falls ? ' \u2193' : rises ? ' \u2191' : '';
      const told = unit ? [' ', make('small', {}, unit)] : [];
      const button = make('button', { type: 'button', 'data-sort': key, title: explanation }, name, ...told, mark);
      const firstOrder = key === 'method' ? key : `-${key}`;
      const other = key === 'method' ? `-${key}` : key;
      button.addEventListener('click', () => change({ sort: page.sort === firstOrder ? other : firstOrder }));
      const sorted = falls ? 'descending' : rises ? 'ascending' : 'none';
      return make('th', { scope: 'col', 'aria-sort': sorted, class: key === 'method' ? 'method' : isWords ? 'words' : '' }, button);
    };
    return make(
      'tr',
      {},
      sortButton('method', 'Method', '', 'By name'),
      make('th', { scope: 'col', title: 'Places among all rows, as far as these cases can tell' }, 'Rank'),
      ...places().map((place) => page.columns[place]).map((column) =>
        sortButton(
          column.key,
          column.name,
          ['%', 's'].includes(column.unit) ? column.unit : '',
          `${column.explanation} ${column.direction[0].toUpperCase()}${column.direction.slice(1)}.`,
          isOfWords(column),
        ),
      ),
    );
  };
  const lineOf = (row) =>
    make(
      'tr',
      { class: `${row.family} ${row.badge}` },
      make('th', { scope: 'row', class: 'method' }, row.shown, make('span', { class: 'tags' }, ...familyOf(row), badgeOf(row))),
      make('td', {}, row.rank || '\u2013'),
      ...places().map((place) => make('td', { class: isOfWords(page.columns[place]) ? 'words' : '' }, ...cellOf(row, place))),
    );
  const parts = () => [page.rows.filter((row) => row.badge !== 'reported'), page.rows.filter((row) => row.badge === 'reported')];
  const ABOUT_REPORTED = 'Reported by the paper, on its own cases: not ranked here';
  const table = () => {
    const [ours, reported] = parts();
    const body = make('tbody', {}, ...ours.map(lineOf));
    const below = make(
      'tbody',
      {},
      make('tr', { class: 'section' }, make('th', { scope: 'rowgroup', colspan: places().length + 2 }, make('span', {}, ABOUT_REPORTED))),
      ...reported.map(lineOf),
    );
    return make(
      'div',
      { class: 'wide', tabindex: '0', role: 'region', 'aria-label': 'Table of the board' },
      make('table', {}, make('thead', {}, heads()), body, ...(reported.length ? [below] : [])),
    );
  };
  const cardOf = (row) => {
    const unitOf = (place) => (row.texts[place] !== '-' && ['%', 's'].includes(page.columns[place].unit) ? ` ${page.columns[place].unit}` : '');
    const numbers = places().flatMap((place) => [
      make('dt', {}, page.columns[place].name),
      make('dd', {}, row.links[place] ? linkTo(row.links[place], row.texts[place]) : `${row.texts[place]}${unitOf(place)}`),
    ]);
    return make(
      'li',
      { class: `card ${row.family} ${row.badge}` },
      make('div', { class: 'head' }, make('strong', {}, row.shown), ...familyOf(row), badgeOf(row)),
      make(
        'div',
        { class: 'main' },
        make('span', {}, make('small', {}, page.columns[0].name), make('b', {}, row.texts[0]), make('span', { class: 'interval' }, row.intervals[0])),
        make('span', {}, make('small', {}, 'Rank'), make('b', {}, row.rank || '\u2013')),
      ),
      make('details', {}, make('summary', {}, 'All numbers'), make('dl', {}, ...numbers)),
    );
  };
  const cards = () => {
    const [ours, reported] = parts();
    const list = (rows) => make('ol', {}, ...rows.map(cardOf));
    return make('div', { class: 'cards' }, list(ours), ...(reported.length ? [make('p', { class: 'section' }, ABOUT_REPORTED), list(reported)] : []));
  };
  const figure = () => {
    const chart = page.chart;
    const drawn = make('div', { class: 'drawn' });
    drawn.innerHTML = chart.svg;
    const line = (cell, words) => make(cell, cell === 'th' ? { scope: 'col' } : {}, words);
    const text = make(
      'table',
      {},
      make('thead', {}, make('tr', {}, ...chart.head.map((words) => line('th', words)))),
      make('tbody', {}, ...chart.rows.map((row) => make('tr', {}, ...row.map((words) => line('td', words))))),
    );
    const scrolls = make('div', { class: 'wide', tabindex: '0', role: 'region', 'aria-label': 'The figure as text' }, text);
    return make(
      'figure',
      {},
      make('figcaption', {}, chart.title),
      drawn,
      make('p', { class: 'key' }, ...['method', 'control', 'reported'].map((kind) => make('span', { class: kind }, kind === 'reported' ? 'reported by the paper' : kind))),
      make('details', {}, make('summary', {}, 'The same numbers as text'), scrolls),
    );
  };

  const filters = make('form', { class: 'filters', 'aria-label': 'Filters' });
  const views = make('div', { class: 'views', role: 'group', 'aria-label': 'Views' });
  const caption = make('p', { class: 'caption', role: 'status' });
  const shown = make('div', { class: 'shown' });
  const about = make('div', { class: 'about' });
  const files = make('div', { class: 'files', role: 'group', 'aria-label': 'Download what is shown' });
  const explained = make('details', { class: 'explained' });
  filters.addEventListener('submit', (event) => event.preventDefault());
  // On a phone the first row comes before what it can be chosen by.
  const narrow = window.matchMedia('(max-width: 600px)');
  const choosing = make('details', { class: 'choosing', open: !narrow.matches }, make('summary', {}, 'Filters'), filters);
  narrow.addEventListener('change', () => { choosing.open = !narrow.matches; });

  const labelled = (label, select, kind = '') => {
    select.id = `board-${select.name}`;
    return make('div', { class: `filter ${kind}` }, make('label', { for: select.id }, label), select);
  };
  // Cards have no heads to sort by.
  const orders = () => {
    const offered = [['method', 'Method'], ...page.columns.map((column) => [column.key, column.name])];
    const choices = offered.flatMap(([key, name]) => [[`-${key}`, `${name} \u2193`], [key, `${name} \u2191`]]);
    const select = make('select', { name: 'sort' }, ...choices.map(([value, name]) => make('option', { value }, name)));
    select.addEventListener('change', () => change({ sort: select.value }));
    return labelled('Order', select, 'order');
  };
  let drawn = '';
  const drawFilters = () => {
    const wanted = JSON.stringify([page.filters, page.columns]);
    if (wanted === drawn) return;
    drawn = wanted;
    filters.replaceChildren(
      ...page.filters.map((filter) => {
        const all = filter.has_all ? [make('option', { value: '' }, 'all')] : [];
        const options = filter.choices.map((choice) => make('option', { value: choice.value }, choice.label));
        const select = make('select', { name: filter.name }, ...all, ...options);
        select.addEventListener('change', () => change({ [filter.name]: select.value }));
        return labelled(filter.label, select);
      }),
      orders(),
    );
  };
  const drawViews = () => {
    views.replaceChildren(
      ...page.views.map((view) => {
        const button = make('button', { type: 'button', value: view.value }, view.label);
        button.addEventListener('click', () => change({ shown: view.value }));
        return button;
      }),
    );
  };
  const drawFiles = () => {
    const buttons = provider.endings.map((ending) => {
      const name = { tex: 'LaTeX', parquet: 'Parquet' }[ending] || ending.toUpperCase();
      const button = make('button', { type: 'button' }, name);
      button.addEventListener('click', () => save(ending));
      return button;
    });
    files.replaceChildren(make('span', {}, 'Download what is shown:'), ...buttons);
  };
  const save = async (ending) => {
    const file = await provider.file(asked(), ending);
    const url = URL.createObjectURL(new Blob([file.content], { type: file.type }));
    const link = make('a', { href: url, download: file.name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 1000);
  };
  const draw = () => {
    const focused = root.contains(document.activeElement) ? document.activeElement.getAttribute('data-sort') : null;
    root.classList.toggle('none', !page.columns.length);
    drawFilters();
    for (const select of filters.querySelectorAll('select')) {
      select.value = select.name === 'sort' ? page.sort : page.query[select.name] || '';
    }
    for (const button of views.children) button.setAttribute('aria-pressed', String(button.value === page.shown));
    caption.textContent = page.caption;
    about.replaceChildren(...page.about.map((words) => make('p', {}, words)));
    const notes = [...page.elsewhere, ...(page.note ? [page.note] : [])].map((words) => make('p', { class: 'note' }, words));
    if (page.chart) shown.replaceChildren(figure(), ...notes);
    else if (page.rows.length && !page.shown) shown.replaceChildren(table(), cards(), ...notes, ...unseen());
    else shown.replaceChildren(...notes);
    explained.replaceChildren(
      make('summary', {}, 'What the columns mean'),
      make('dl', {}, ...page.columns.flatMap((column) => [make('dt', {}, column.name), make('dd', {}, `${column.explanation} ${column.direction[0].toUpperCase()}${column.direction.slice(1)}.`)])),
    );
    if (focused) root.querySelector(`[data-sort="${focused}"]`)?.focus();
    root.dataset.address = new URLSearchParams({ tab: 'board', ...asked() });
    root.removeAttribute('aria-busy');
  };

  root.replaceChildren(choosing, views, caption, shown, about, files, explained);
  drawViews();
  drawFiles();
  draw();
  window.addEventListener('popstate', () => { if (isHere(new URLSearchParams(location.search))) load(); });
  return load;
};
