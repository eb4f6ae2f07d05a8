"""The maintainers' program: sources -> questions -> answers -> edits -> verdicts -> splits -> hub."""

from medground_bench import plugins

plugins.hand_in(plugins.Kind("sources", "builder.sources", "SOURCE"))
plugins.hand_in(plugins.Kind("editors", "builder.editors", "EDITOR"))
