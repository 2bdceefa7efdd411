"""Results become text, charts and pages. Nothing here reads or writes: functions return str or bytes.

views     the records that a caller fills
format    numbers and dates for people
text      terminal tables, CSV, block sparklines
charts    SVG, drawn with the primitives of `svg`
png       PNG for messages, drawn on a `canvas`
report    a report as lines of plain text
readout   results and gates as rows of text; `sentences` what they say, `sources` where their formulas come from
sections  an experiment as the parts of a page
experiment  its page, its Markdown and its summary
website   a folder of static pages, from `templates/`
"""
