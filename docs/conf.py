"""Sphinx reads the whole repository, so that links between pages hold.

The pages of ``docs/`` and the READMEs of ``configs/`` and ``projects/`` are
chapters; their relative links work on a code host and on the site alike.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from mmcion import __version__  # noqa: E402

project = 'mmcion'
author = 'the mmcion authors'
copyright = '2026, the mmcion authors; Apache-2.0'
version = release = __version__
root_doc = 'docs/index'
include_patterns = [
    'docs/**',
    'configs/**/README.md',
    'projects/README.md',
    'projects/**/README.md',
    'CHANGELOG.md',
    'CONTRIBUTING.md',
]
exclude_patterns = [
    '.*',
    'docs/_*',
    'data',
    'mmcion',
    'tests',
    'tools',
    'work_dirs',
]

extensions = [
    'myst_parser',
    'sphinx.ext.autodoc',
    'sphinx.ext.autosummary',
    'sphinx.ext.napoleon',
    'sphinx.ext.viewcode',
    'sphinx_copybutton',
]
templates_path = [str(ROOT / 'docs/_templates')]  # autosummary asks for it

# anchors as code hosts make them of headings
myst_heading_anchors = 4

# One page per package with what its ``__all__`` names.
autosummary_imported_members = True
autosummary_ignore_module_all = False
autodoc_class_signature = 'mixed'
autodoc_inherit_docstrings = False
autodoc_member_order = 'bysource'
autodoc_preserve_defaults = True
add_module_names = False
python_maximum_signature_line_length = 72
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True

html_theme = 'furo'
html_title = f'mmcion {version}'
html_static_path = ['_static']
html_css_files = ['site.css']
html_extra_path = ['_extra']  # leads from / to the first page
html_copy_source = False
html_show_sphinx = False
pygments_style = 'default'
pygments_dark_style = 'monokai'
