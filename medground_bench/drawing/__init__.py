"""Everything that draws on or beside a radiograph; it takes values and knows no runs."""
