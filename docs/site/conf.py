# SPDX-License-Identifier: MIT
"""Sphinx: Markdown by MyST, the furo theme, nothing fetched from anywhere."""

from cases.about import VERSION

project = "Infusate"
author = "The Infusate developers"
copyright = "The Infusate developers, MIT licence"
version = release = VERSION
extensions = ["myst_parser"]
myst_heading_anchors = 4
myst_links_external_new_tab = False
smartquotes = False  # --set is no dash
html_theme = "furo"
html_title = f"Infusate {VERSION}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {"navigation_with_keys": True}
pygments_style = "friendly"
highlight_language = "text"
templates_path: list[str] = []
