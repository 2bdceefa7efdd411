"""Results become text, charts and pages. Nothing here reads or writes: functions return str or bytes.

views     the records that a caller fills
format    numbers and dates for people
text      terminal tables, CSV, block sparklines
charts    SVG, drawn with the primitives of `svg`
png       PNG for messages
report    a report as lines of plain text
site      a folder of static pages, from `templates/`
"""
