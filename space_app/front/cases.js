element.addEventListener('click', (event) => {
  const link = event.target.closest('[data-case]');
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  trigger('select', { case: textAt(link.dataset.case) });
});

const busyWithKeys = 'input, textarea, select, [role="tab"], [role="listbox"], [role="slider"], [contenteditable="true"]';
document.addEventListener('keydown', (event) => {
  const way = { ArrowLeft: 'previous', ArrowRight: 'following' }[event.key];
  if (!way || element.offsetParent === null || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
  if (event.target.closest(busyWithKeys)) return;
  const link = element.querySelector(`[data-way="${way}"]`);
  if (!link) return;
  event.preventDefault();
  trigger('select', { case: textAt(link.dataset.case) });
});

watch('value', () => window.medground.shown(element));
