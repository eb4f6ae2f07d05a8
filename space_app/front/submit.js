const save = (receipt) => {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([`${JSON.stringify(receipt, null, 2)}\n`], { type: 'application/json' }));
  link.download = `receipt-${receipt.id}.json`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
};
const ask = (asked) => {
  element.querySelector('.sure').hidden = !asked;
  element.querySelector('[data-ask]').hidden = asked;
  element.querySelector(asked ? '[data-keep]' : '[data-ask]').focus();
};

element.addEventListener('click', (event) => {
  const act = event.target.closest('button')?.dataset ?? {};
  if ('save' in act) save(props.value.receipt);
  if ('ask' in act) ask(true);
  if ('keep' in act) ask(false);
  if ('withdraw' in act) trigger('select', { identity: props.value.receipt.id });
});

const show = () => {
  const link = element.querySelector('[data-link]');
  if (link) link.textContent = link.href;
  window.medground?.shown(element);
};
watch('value', show);
show();
