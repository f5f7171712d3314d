"""Our own line drawings on a 24 by 24 grid, as the inside of an SVG: stroke 1.75, round ends, the text's colour."""
# ruff: noqa: E501 (a path is one line)

ICONS: dict[str, str] = {
    "bell": '<path d="M6 16.5c1.2-1.4 1.5-3 1.5-6a4.5 4.5 0 0 1 9 0c0 3 .3 4.6 1.5 6z"/><path d="M10 19.5a2.2 2.2 0 0 0 4 0M12 6V4"/>',
    "check": '<path d="m5 12.5 4.5 4.5L19 7.5"/>',
    "check-circle": '<circle cx="12" cy="12" r="8.5"/><path d="m8.5 12.3 2.5 2.5 4.6-5"/>',
    "cross": '<path d="m6.5 6.5 11 11m0-11-11 11"/>',
    "plus": '<path d="M12 5v14M5 12h14"/>',
    "warning": '<path d="M12 4.2 21 19.5H3z"/><path d="M12 10v4.2M12 16.9v.1"/>',
    "info": '<circle cx="12" cy="12" r="8.5"/><path d="M12 11v5.2M12 7.8v.1"/>',
    "question": '<circle cx="12" cy="12" r="8.5"/><path d="M9.6 9.6a2.4 2.4 0 1 1 3.7 2c-.8.6-1.3 1-1.3 2M12 16.6v.1"/>',
    "clock": '<circle cx="12" cy="12" r="8.5"/><path d="M12 7.2V12l3.2 2"/>',
    "calendar": '<rect x="4" y="5.5" width="16" height="14.5" rx="2"/><path d="M4 10h16M8.5 3.5v4M15.5 3.5v4"/>',
    "pin": '<path d="M12 21c4.4-4.6 6.5-8 6.5-11a6.5 6.5 0 0 0-13 0c0 3 2.1 6.4 6.5 11z"/><circle cx="12" cy="10" r="2.3"/>',
    "map": '<path d="m3.5 6.5 5.5-2 6 2 5.5-2v13l-5.5 2-6-2-5.5 2z"/><path d="M9 4.5v13M15 6.5v13"/>',
    "mail": '<rect x="3.5" y="5.5" width="17" height="13" rx="2"/><path d="m4 7 8 6 8-6"/>',
    "phone": '<path d="M6.2 4h2.6l1.5 4-2 1.6a11 11 0 0 0 6 6l1.7-2 4 1.5v2.7A2.2 2.2 0 0 1 17.8 20 13.8 13.8 0 0 1 4 6.2 2.2 2.2 0 0 1 6.2 4z"/>',
    "mobile": '<rect x="7" y="3" width="10" height="18" rx="2"/><path d="M11 18h2"/>',
    "chat": '<path d="M4 6.5a2 2 0 0 1 2-2h12a2 2 0 0 1 2 2V14a2 2 0 0 1-2 2h-6.5L7 20v-4H6a2 2 0 0 1-2-2z"/>',
    "reply": '<path d="M10 6 4.5 11.5 10 17M5 11.5h8.5a6 6 0 0 1 6 6V19"/>',
    "send": '<path d="M20.5 4 3.5 11l6.5 2.8L13 20z"/><path d="m10 13.8 4-3.8"/>',
    "camera": '<rect x="3.5" y="7" width="12" height="10" rx="2"/><path d="m15.5 11 5-2.5v7l-5-2.5"/>',
    "photo": '<rect x="3.5" y="5" width="17" height="14" rx="2"/><circle cx="9" cy="10" r="1.7"/><path d="m5 17.5 5-4.5 3 2.5 3-3 4 4"/>',
    "search": '<circle cx="10.5" cy="10.5" r="6"/><path d="m15 15 5 5"/>',
    "filter": '<path d="M4 6h16M7 12h10M10 18h4"/>',
    "user": '<circle cx="12" cy="8.2" r="3.7"/><path d="M4.5 20c.8-4 3.7-6 7.5-6s6.7 2 7.5 6"/>',
    "people": '<circle cx="9" cy="8.7" r="3.2"/><path d="M2.8 19.5c.6-3.5 3-5.3 6.2-5.3s5.6 1.8 6.2 5.3M15.5 5.7a3.2 3.2 0 0 1 0 6M17.3 14.5c2.1.7 3.5 2.4 3.9 5"/>',
    "home": '<path d="m3.5 11.5 8.5-7 8.5 7M6 10v9.5h12V10"/><path d="M10 19.5V14h4v5.5"/>',
    "shield": '<path d="M12 3.5 5 6v5.5c0 4.3 2.8 7.3 7 9 4.2-1.7 7-4.7 7-9V6z"/><path d="m9 11.8 2.2 2.2 4-4.2"/>',
    "lock": '<rect x="5" y="10.5" width="14" height="9.5" rx="2"/><path d="M8 10.5V8a4 4 0 0 1 8 0v2.5M12 14.5v2"/>',
    "eye": '<path d="M2.5 12S6 5.8 12 5.8 21.5 12 21.5 12 18 18.2 12 18.2 2.5 12 2.5 12z"/><circle cx="12" cy="12" r="2.8"/>',
    "edit": '<path d="m4 20 1-4L16 5l3 3L8 19z"/><path d="m14 7 3 3"/>',
    "trash": '<path d="M4.5 7h15M9.5 7V4.5h5V7M6.5 7l.8 13h9.4l.8-13M10.5 11v5.5M13.5 11v5.5"/>',
    "download": '<path d="M12 4v11m-4.5-4.2L12 15.3l4.5-4.5M4.5 19.5h15"/>',
    "upload": '<path d="M12 15.5v-11m-4.5 4.2L12 4.2l4.5 4.5M4.5 19.5h15"/>',
    "share": '<circle cx="6" cy="12" r="2.3"/><circle cx="17.5" cy="6" r="2.3"/><circle cx="17.5" cy="18" r="2.3"/><path d="m8.1 11 7.4-3.9M8.1 13l7.4 3.9"/>',
    "link": '<path d="M10 14a3.8 3.8 0 0 0 5.5 0l3-3A3.9 3.9 0 0 0 13 5.5l-1.2 1.2M14 10a3.8 3.8 0 0 0-5.5 0l-3 3a3.9 3.9 0 0 0 5.5 5.5l1.2-1.2"/>',
    "right": '<path d="M4.5 12h14.5m-6-6 6 6-6 6"/>',
    "left": '<path d="M19.5 12H5m6-6-6 6 6 6"/>',
    "chevron": '<path d="m9 5.5 6.5 6.5L9 18.5"/>',
    "pause": '<path d="M8.5 5.5v13M15.5 5.5v13"/>',
    "stop": '<path d="M8.3 3.5h7.4l4.8 4.8v7.4l-4.8 4.8H8.3l-4.8-4.8V8.3z"/><path d="M8.5 12h7"/>',
    "chart": '<path d="M4 4v16h16"/><path d="M8.5 16v-4M12.5 16V8M16.5 16v-6"/>',
    "flag": '<path d="M6 21V4M6 5h11.5l-2.5 4 2.5 4H6"/>',
    "document": '<path d="M6 3.5h8l4.5 4.5v12.5H6z"/><path d="M13.5 3.8V8.5h4.7M9 12.5h6M9 16h6"/>',
    "settings": '<path d="M4 7h9m4 0h3M4 17h3m4 0h9"/><circle cx="15" cy="7" r="2"/><circle cx="9" cy="17" r="2"/>',
    "inbox": '<path d="M4 13.5 6.5 5h11l2.5 8.5v6H4z"/><path d="M4 13.5h4.5l1 2.5h5l1-2.5H20"/>',
    "star": '<path d="m12 4 2.4 5.2 5.6.6-4.2 3.8 1.2 5.6-5-2.9-5 2.9 1.2-5.6L4 9.8l5.6-.6z"/>',
    "list": '<path d="M9 6.5h11M9 12h11M9 17.5h11M4.5 6.5h.1M4.5 12h.1M4.5 17.5h.1"/>',
    "out": '<path d="M10 4.5H5.5v15H10M10.5 12H20m-4-4.2 4.2 4.2L16 16.2"/>',
}

# The mark: a bell whose skirt is a line of hills. Filled, on a 32 by 32 grid.
MARK = (
    '<path d="M16 2.2a2 2 0 0 1 2 2v.7c4.3.9 6.8 4.3 6.8 8.8 0 4.3.8 6.9 3.4 9.6H3.8c2.6-2.7 3.4-5.3 3.4-9.6 '
    '0-4.5 2.5-7.9 6.8-8.8v-.7a2 2 0 0 1 2-2z" fill="currentColor"/>'
    '<path class="app-mark__hills" d="M5.7 20.6c2.9-.4 4.3-3.6 6.7-3.6 1.9 0 2.5 1.5 4.1 1.5 2 0 2.6-3.5 5-3.5 1 0 2 .9 '
    '3.4 2.2.4 1.3.9 2.5 1.7 3.7l1.6 2.4H3.8z" fill="#d9a441"/>'
    '<path d="M12.7 25.3h6.6a3.4 3.4 0 0 1-6.6 0z" fill="currentColor"/>'
)
