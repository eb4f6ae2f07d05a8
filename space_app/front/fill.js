// Text is put in here and never by the template: gradio runs what a template gives as JavaScript, ${} and \x3c included.
const textAt = (path) => path.split('.').reduce((value, key) => value?.[key], props.value);
const fill = () => {
  element.querySelectorAll('[data-text]').forEach((node) => {
    node.textContent = textAt(node.dataset.text) ?? '';
  });
  element.querySelectorAll('[data-label]').forEach((node) => {
    node.setAttribute('aria-label', textAt(node.dataset.label) ?? '');
  });
};
watch('value', fill);
fill();
