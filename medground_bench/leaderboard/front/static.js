// Where a static board has its data: files of script beside the page, so that it works from a disk too. Cases are
// filtered by tables that were made before; here rows are only left out, put in order, and written to files.
const boardParts = {};
const boardPart = (name, part) => { boardParts[name] = part; };

const staticProvider = (index) => {
  const usual = { source: 'all', lvlm: 'all', finding: 'all', size: 'all', family: 'all', badge: 'all', sort: '-iou' };
  const modes = index.filters.find((filter) => filter.name === 'mode').choices.map((choice) => choice.value);
  const offered = (name) => (name === 'sort'
    ? ['method', ...index.columns.map((column) => column.key)]
    : index.filters.find((filter) => filter.name === name).choices.map((choice) => choice.value).concat('all'));
  const full = (params) => {
    const query = { mode: modes[0], ...usual, ...params };
    for (const name of ['mode', ...Object.keys(usual)]) {
      if (!offered(name).includes(name === 'sort' ? query.sort.replace(/^-/, '') : query[name])) {
        throw new Error(`no ${name} is called '${query[name]}'.`);
      }
    }
    return query;
  };
  const part = (query) => new Promise((done, fail) => {
    const name = `${query.mode} ${query.source} ${query.lvlm}`;
    if (boardParts[name]) { done(boardParts[name]); return; }
    const script = document.createElement('script');
    script.src = index.parts[name];
    script.onload = () => done(boardParts[name]);
    script.onerror = () => fail(new Error('The data of this choice cannot be read.'));
    document.head.append(script);
  });
  const inOrder = (rows, sort) => {
    const falls = sort.startsWith('-');
    const field = sort.replace(/^-/, '');
    const byName = (a, b) => (a.method < b.method ? -1 : a.method > b.method ? 1 : a.badge < b.badge ? -1 : 1);
    const named = [...rows].sort(byName);
    let ordered = falls && field === 'method' ? named.reverse() : named;
    if (field !== 'method') {
      const place = index.fields.indexOf(field);
      const known = named.filter((row) => row.values[place] !== null);
      const sign = falls ? -1 : 1;
      known.sort((a, b) => sign * (a.values[place] < b.values[place] ? -1 : a.values[place] > b.values[place] ? 1 : 0));
      ordered = known.concat(named.filter((row) => row.values[place] === null));
    }
    return ordered.filter((row) => row.badge !== 'reported').concat(ordered.filter((row) => row.badge === 'reported'));
  };
  const said = (query) => Object.fromEntries(['mode', ...Object.keys(usual)].filter((name) => query[name] !== usual[name]).map((name) => [name, query[name]]));
  const NOTE = 'Figures of this static board are of all methods, findings and box sizes.';

  const page = async (params) => {
    const { shown = '', ...filters } = params;
    const query = full(filters);
    const of = await part(query);
    const empty = { rows: [], caption: index.captions.none, elsewhere: [], cases: 0, images: 0 };
    const table = of.tables[`${query.finding} ${query.size}`] || empty;
    const rows = table.rows.filter((row) => ['family', 'badge'].every((name) => query[name] === 'all' || row[name] === query[name]));
    const ofOurs = (some) => some.some((row) => row.badge !== 'reported');
    const caption = ofOurs(table.rows) && !ofOurs(rows) ? index.captions.filtered : table.caption;
    const chart = of.charts[shown] || null;
    return {
      ...table, caption, columns: index.columns, fields: index.fields, filters: index.filters, views: index.views, about: index.about, query: said(query), sort: query.sort,
      rows: inOrder(rows, query.sort), shown: chart ? shown : '', chart, note: chart ? NOTE : '',
    };
  };

  const harmless = (text) => (/^[=+\-@\t\r]/.test(text) ? `'${text}` : text);
  const spelled = (value) => {
    if (typeof value === 'string') return harmless(value);
    return value === null ? '' : Number.isInteger(value) ? String(value) : value.toFixed(6).replace(/\.?0+$/, '');
  };
  const quoted = (text) => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const csv = (of) => `${[of.fields, ...of.rows.map((row) => row.values.map((value) => quoted(spelled(value))))].map((line) => line.join(',')).join('\n')}\n`;
  const json = (of) => `${JSON.stringify({
    query: of.query, caption: of.caption, elsewhere: of.elsewhere, cases: of.cases, images: of.images, columns: of.columns,
    rows: of.rows.map((row) => Object.fromEntries(of.fields.map((field, place) => [field, row.values[place]]))),
  }, null, 1)}\n`;
  const IN_LATEX = { '\\': '\\textbackslash{}', '~': '\\textasciitilde{}', '^': '\\textasciicircum{}' };
  const latexLine = (cells) => `${cells.map((cell) => cell.replace(/[&%$#_{}\\~^]/g, (letter) => IN_LATEX[letter] || `\\${letter}`)).join(' & ')} \\\\`;
  const tex = (of) => {
    const heads = of.columns.map((column) => (column.unit === '%' ? `${column.name} (%)` : column.name));
    const line = (row) => latexLine([
      row.badge === 'reproduced' ? row.shown : `${row.shown} (${row.measured})`,
      row.rank || '-',
      ...row.texts.map((text, place) => (row.intervals[place] ? `${text} (${row.intervals[place]})` : text)),
    ]);
    const ours = of.rows.filter((row) => row.badge !== 'reported').map(line);
    const reported = of.rows.filter((row) => row.badge === 'reported').map(line);
    return `${[
      `% ${Object.entries(of.query).map((pair) => pair.join('=')).join(' ')}`, `% ${of.caption}`,
      `\\begin{tabular}{ll${'r'.repeat(heads.length)}}`, '\\toprule', latexLine(['Method', 'Rank', ...heads]), '\\midrule', ...ours,
      ...(ours.length && reported.length ? ['\\midrule'] : []), ...reported, '\\bottomrule', '\\end{tabular}',
    ].join('\n')}\n`;
  };
  const writers = { csv: [csv, 'text/csv'], json: [json, 'application/json'], tex: [tex, 'text/x-tex'] };
  const file = async (params, ending) => {
    const of = await page(params);
    const words = Object.entries(of.query).filter(([name]) => name !== 'sort').map(([, value]) => value.replace(/[^\p{L}\p{N}]/gu, '_')).join('-');
    const [write, type] = writers[ending];
    return { name: `board-${words}.${ending}`, type, content: write(of) };
  };
  return { page, file, endings: Object.keys(writers) };
};
