"""Colours of pages and image grids; those of charts: ``report.mplstyle``."""

COLORS = {
    'ink': '#1f2933',
    'muted': '#616e7c',
    'line': '#dfe3e8',
    'paper': '#ffffff',
    'panel': '#f5f7f9',
    'blue': '#2f6690',
    'orange': '#d9822b',
    'green': '#2f8f5b',
    'red': '#c0392b',
    'grey': '#9aa5b1',
    'bar': '#d3e2ee',
}
