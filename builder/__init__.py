"""The maintainers' program: sources -> questions -> answers -> edits -> verdicts -> splits -> hub."""

from medground_bench import plugins

plugins.hand_in(plugins.PluginKind("sources", "builder.sources", "SOURCE"))
plugins.hand_in(plugins.PluginKind("editors", "builder.editors", "EDITOR"))
