"""The queue of people who ask for access to a gated dataset: shown, decided by name, table or rules, and logged."""
