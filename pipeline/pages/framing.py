"""The address of a player in, the HTML that other sites copy to embed it out."""

from markupsafe import Markup, escape

COMPACT, TALL, LIST = "", "tall", "list"
WIDTH_PX = 600
HEIGHTS_PX = {COMPACT: 240, TALL: 480, LIST: 480}


def code(address: str, what: str, form: str, page: str, link_text: str) -> Markup:
    """Write the HTML that puts a player into another site: no script, no style that a site would drop.

    Args:
        address: of the player's page.
        what: what one listens to, for the title of the frame.
        form: COMPACT, TALL or LIST.
        page: the address of the page that has all of it.
        link_text: what the link to that page says.
    """
    return Markup(  # noqa: S704  # each value is escaped; Markup.format does the same ten times slower
        f'<iframe src="{escape(address)}" title="Listen: {escape(what)}" width="{WIDTH_PX}" height="{HEIGHTS_PX[form]}"'
        ' style="max-width:100%;border:0" loading="lazy" allow="autoplay"'
        ' referrerpolicy="strict-origin-when-cross-origin"></iframe>'
        f'<p><a href="{escape(page)}">{escape(link_text)}</a></p>'
    )
