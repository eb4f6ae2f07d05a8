"""The pure nouns and the science of the benchmark: no files, network, clock or torch."""
