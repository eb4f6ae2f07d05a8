const addressOf = (search) => search.replace(/^\?/, '');

window.medground = {
  // What is shown has an address of its own; a visitor's own act becomes a step of the history.
  shown: (part) => {
    const told = part.querySelector('[data-address]');
    if (!told || told.dataset.navigate !== 'true' || told.dataset.address === addressOf(location.search)) return;
    history.pushState(null, '', `?${told.dataset.address}`);
  },
  go: (href) => {
    history.pushState(null, '', href);
    trigger('select', { address: addressOf(href) });
  },
  turnTo: (page) => {
    const first = element.querySelector('[data-first]').dataset.first;
    // Gradio says of its own first page that it was turned to, which may come before that of the address is open.
    if (page === first && !window.medgroundIsOpen) return;
    if ((new URLSearchParams(location.search).get('tab') || first) === page) return;
    const told = document.querySelector(`#page-${page} [data-address]`);
    history.pushState(null, '', `?${told ? told.dataset.address : `tab=${page}`}`);
  },
};

window.addEventListener('popstate', () => trigger('select', { address: addressOf(location.search) }));
