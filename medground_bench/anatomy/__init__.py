"""Anatomical concepts on a chest X-ray: vocabulary, reference pool, transport."""
