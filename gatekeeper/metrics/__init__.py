"""What the process tells Prometheus of itself: a table of names, what the edges count, what is read at a scrape.

The domain and the use cases know nothing of it. Every name, label and meaning stands in docs/metrics.md; no label
carries a text that a tenant or a party chose.
"""
