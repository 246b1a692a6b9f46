"""How an alert mail looks: pieces of HTML with inline styles, for `str.format` with text that is escaped already.

Styles are inline because some clients know no others. Classes are for dark and narrow clients, which do: a colour that
changes in the dark has one. No image, no font, nothing that is loaded.
"""

from __future__ import annotations

from monitor.model import Severity

_SERIF = "Georgia,'Times New Roman',serif"
_WRAP = "text-align:start;overflow-wrap:anywhere"

MARK = '<mark style="background-color:#ffec99;color:#14171c;padding:0 2px;border-radius:2px">{}</mark>'

_BADGE = (
    '<span style="display:inline-block;margin-right:8px;padding:1px 7px;border-radius:4px;background-color:{};'
    "color:#ffffff;font:700 12px/1.5 -apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;letter-spacing:.04em;"
    'vertical-align:1px">{}</span>'
)
BADGES = {
    Severity.LOW: "",
    Severity.NORMAL: "",
    Severity.HIGH: _BADGE.format("#b35309", "HIGH"),
    Severity.CRITICAL: _BADGE.format("#b3261e", "CRITICAL"),
}

TOPIC = (
    '<p class="soft" style="margin:0 0 10px;font-size:14px;line-height:1.5;color:#59626e;overflow-wrap:anywhere">'
    "{badge}<bdi>{topic}</bdi></p>\n"
)
NOTICE_TOPIC = (
    '<p style="margin:0 0 10px;font-size:14px;line-height:1.5">{badge}<span class="soft box" style="padding:2px 8px;'
    'border-radius:4px;background-color:#e9ecf0;color:#59626e;font-weight:600">{topic}</span></p>\n'
)
HEADING = (
    f'<h1 class="ink" dir="auto" style="margin:0 0 8px;font:700 23px/1.3 {_SERIF};color:#14171c;{_WRAP}">{{}}</h1>\n'
)
NOTICE_HEADING = (
    f'<h1 class="ink" dir="auto" style="margin:0 0 8px;font-size:20px;line-height:1.35;color:#14171c;{_WRAP}">'
    "{}</h1>\n"
)
HEADLINE_LINK = '<a class="ink" href="{}" style="color:#14171c;text-decoration:none">{}</a>'
FACTS = (
    '<p class="soft" style="margin:0 0 14px;font-size:14px;line-height:1.5;color:#59626e;overflow-wrap:anywhere">'
    "{}</p>\n"
)
NOTE = FACTS
QUOTE = (
    '<p class="quote ink" dir="auto" style="margin:0 0 14px;padding:2px 14px;border:0 solid #d5dae1;'
    f'border-{{side}}-width:3px;font:17px/1.6 {_SERIF};color:#14171c;{_WRAP}">{{text}}</p>\n'
)
_PARAGRAPH = f"margin:0 0 12px;font-size:16px;line-height:1.55;color:#14171c;{_WRAP}"
PARAGRAPH = f'<p class="ink" dir="auto" style="{_PARAGRAPH}">{{}}</p>\n'
BUTTON = (
    '<p style="margin:20px 0 0"><a class="button" href="{link}" style="display:inline-block;padding:9px 16px;'
    "border-radius:6px;background-color:#1f4e8c;color:#ffffff;font-size:15px;font-weight:600;text-decoration:none;"
    'overflow-wrap:anywhere">Read at <bdi>{host}</bdi></a></p>\n'
)

SECTION = (
    '{anchor}<h2 class="ink line" style="margin:30px 0 0;padding:0 0 7px;border:0 solid #dde1e7;'
    'border-bottom-width:2px;font-size:15px;line-height:1.5;color:#14171c;overflow-wrap:anywhere">'
    "{badge}<bdi>{title}</bdi></h2>\n"
)
ITEM = (
    '{anchor}<h3 class="ink" dir="auto" style="margin:20px 0 6px;'
    f'font:700 19px/1.35 {_SERIF};color:#14171c;{_WRAP}">{{badge}}{{title}}</h3>\n'
)
READ = (
    '<p style="margin:0 0 14px;font-size:14px;line-height:1.5;overflow-wrap:anywhere"><a class="link" href="{link}" '
    'style="color:#1f4e8c;text-decoration:none;font-weight:600">Read at <bdi>{host}</bdi></a></p>\n'
)
ANCHOR = '<a id="{}"></a>'

CONTENTS = (
    '<div class="box" style="margin:16px 0 0;padding:4px 16px 10px;border-radius:8px;background-color:#f4f6f8;'
    'font-size:15px;line-height:1.45">{}</div>\n'
)
CONTENTS_RULE = (
    '<p class="soft" style="margin:12px 0 5px;font-size:14px;font-weight:700;color:#59626e;overflow-wrap:anywhere">'
    '<bdi>{}</bdi> <span style="font-weight:400">({})</span></p>\n'
)
CONTENTS_ITEM = (
    f'<p dir="auto" style="margin:0 0 5px;{_WRAP}">'
    '<a class="link" href="#a{}" style="color:#1f4e8c;text-decoration:none">{}</a>{}</p>\n'
)
CONTENTS_SOURCE = '<span class="soft" style="color:#59626e;font-size:13px">&nbsp;&middot; <bdi>{}</bdi></span>'
CONTENTS_MORE = (
    '<p style="margin:12px 0 5px"><a class="link" href="#more" style="color:#1f4e8c;text-decoration:none">'
    "{} more, at the end</a></p>\n"
)
# Short, with what they share around them: a message may list 200, and Gmail shows 102 kB of a mail.
LIST = f'<div class="ink" style="font-size:15px;line-height:1.45;color:#14171c;{_WRAP}">{{}}</div>\n'
LISTED = (
    '<p dir="auto" style="margin:0 0 8px">{}<span class="soft" style="color:#59626e;font-size:13px">'
    "&nbsp;&middot; {}</span></p>\n"
)
LISTED_LINK = '<a href="{}" class="link" style="color:#1f4e8c;text-decoration:none">{}</a>'

PAGE = """\
<!doctype html>
<html>
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<title>{subject}</title>
<style>
:root {{ color-scheme: light dark; supported-color-schemes: light dark; }}
@media (prefers-color-scheme: dark) {{
  .page {{ background-color: #121417 !important; }}
  .card {{ background-color: #1d2025 !important; border-color: #343941 !important; }}
  .box {{ background-color: #262a30 !important; }}
  .ink {{ color: #eef0f3 !important; }}
  .soft {{ color: #a7afba !important; }}
  .quote {{ border-color: #4b525d !important; }}
  .line {{ border-color: #343941 !important; }}
  .link {{ color: #8ab4f0 !important; }}
  .button {{ background-color: #8ab4f0 !important; color: #10151c !important; }}
  mark {{ background-color: #6f5700 !important; color: #fff6cf !important; }}
}}
@media (max-width: 480px) {{
  .outer {{ padding: 0 !important; }}
  .card {{ border-width: 0 !important; border-radius: 0 !important; }}
  .inner {{ padding: 18px 16px !important; }}
}}
</style>
</head>
<body class="page" style="margin:0;padding:0;background-color:#eff1f4">
<div style="display:none;max-height:0;overflow:hidden">{preview}</div>
<table class="page" role="presentation" width="100%" cellpadding="0" cellspacing="0" \
style="background-color:#eff1f4"><tr><td class="outer" align="center" style="padding:24px 12px">
<table class="card" role="presentation" width="100%" cellpadding="0" cellspacing="0" \
style="max-width:620px;background-color:#ffffff;border:1px solid #dde1e7;border-radius:10px"><tr>\
<td class="inner" align="left" style="padding:24px 28px;font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,\
sans-serif">
{body}<p class="soft" style="margin:22px 0 0;font-size:13px;line-height:1.5;color:#59626e;\
overflow-wrap:anywhere">{foot}</p>
</td></tr></table>
</td></tr></table>
</body>
</html>
"""
