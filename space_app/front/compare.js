element.addEventListener('click', (event) => {
  const link = event.target.closest('li a');
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  window.medground.go(link.getAttribute('href'));
});

watch('value', () => window.medground.shown(element));
