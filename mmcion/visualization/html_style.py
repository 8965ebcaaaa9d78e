"""The style sheet of reports: for a desk, a phone and paper."""

from .palette import BLUE, INK, LINE, MUTED, PANEL, PAPER

STYLE = f"""
:root {{ color-scheme: light; }}
* {{ box-sizing: border-box; }}
html {{ -webkit-text-size-adjust: 100%; }}
body {{
  margin: 0; background: {PAPER}; color: {INK};
  font: 16px/1.6 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans",
    "Helvetica Neue", Arial, sans-serif;
}}
main {{ max-width: 1024px; margin: 0 auto; padding: 56px 32px 72px; }}
header {{ border-bottom: 1px solid {LINE}; padding-bottom: 28px; }}
h1 {{
  font-size: 2.25rem; line-height: 1.2; letter-spacing: -0.02em;
  font-weight: 700; margin: 0 0 12px;
}}
h2 {{
  font-size: 1.4rem; line-height: 1.3; letter-spacing: -0.01em;
  font-weight: 650; margin: 0 0 8px;
}}
p {{ max-width: 46rem; margin: 0 0 16px; }}
.lead {{ font-size: 1.125rem; color: {MUTED}; margin: 0; }}
nav {{ margin: 20px 0 0; font-size: 0.9rem; }}
nav a {{ color: {BLUE}; text-decoration: none; margin-right: 20px;
  white-space: nowrap; display: inline-block; }}
nav a:hover, nav a:focus {{ text-decoration: underline; }}
section {{ margin-top: 52px; }}
.cards {{
  display: grid; gap: 14px; margin: 28px 0 0; padding: 0; list-style: none;
  grid-template-columns: repeat(auto-fit, minmax(160px, 1fr));
}}
.three {{ grid-template-columns: repeat(3, 1fr); }}
.card {{ background: {PANEL}; border-radius: 10px; padding: 18px 20px 16px; }}
.card b {{
  display: block; font-size: 1.9rem; line-height: 1.15; font-weight: 650;
  letter-spacing: -0.02em; font-variant-numeric: tabular-nums;
}}
.card span {{ display: block; margin-top: 4px; font-size: 0.92rem; }}
.card small {{ display: block; color: {MUTED}; font-size: 0.82rem; }}
.scroll {{ overflow-x: auto; margin: 20px 0 24px; }}
table {{ border-collapse: collapse; font-size: 0.94rem; width: 100%; }}
caption {{ text-align: left; color: {MUTED}; font-size: 0.88rem;
  padding-bottom: 8px; }}
th, td {{ padding: 9px 0 9px 28px; text-align: left; vertical-align: top;
  border-bottom: 1px solid {LINE}; }}
thead th {{ color: {MUTED}; font-weight: 600; font-size: 0.84rem;
  border-bottom: 2px solid {LINE}; }}
tbody th {{ font-weight: 500; }}
th:first-child, td:first-child {{ padding-left: 0; }}
.number {{ text-align: right; font-variant-numeric: tabular-nums;
  white-space: nowrap; }}
figure {{ margin: 22px 0 28px; }}
figure img {{ display: block; max-width: 100%; height: auto; }}
figcaption {{ color: {MUTED}; font-size: 0.88rem; margin-top: 10px;
  max-width: 46rem; }}
pre {{
  background: {PANEL}; border-radius: 8px; padding: 14px 18px;
  overflow-x: auto; font: 0.86rem/1.6 ui-monospace, SFMono-Regular, Menlo,
    Consolas, monospace;
}}
footer {{ margin-top: 64px; padding-top: 18px; color: {MUTED};
  border-top: 1px solid {LINE}; font-size: 0.85rem; }}
@media (max-width: 640px) {{
  main {{ padding: 32px 18px 48px; }}
  h1 {{ font-size: 1.7rem; }}
  section {{ margin-top: 40px; }}
  .cards {{ grid-template-columns: repeat(2, 1fr); gap: 10px; }}
  .card {{ padding: 14px; }}
  .card b {{ font-size: 1.5rem; }}
  th, td {{ padding-left: 18px; }}
  .wide {{ overflow-x: auto; }}
  .wide img {{ max-width: 680px; }}
}}
@media print {{
  main {{ max-width: none; padding: 0; }}
  nav {{ display: none; }}
  .card {{ border: 1px solid {LINE}; }}
  figure, table, .cards {{ break-inside: avoid; }}
  h2 {{ break-after: avoid; }}
}}
"""
