"""Index pages of web servers: which files and folders a page names."""

from html.parser import HTMLParser
from urllib.parse import unquote, urljoin, urlsplit


def names_below(page: str, text: str) -> list[str]:
    """Return the URLs of what an index page names below itself, each once, in its order.

    Parameters
    ----------
    page : str
        URL of the page. What stands in its folder is below it.
    text : str
        HTML.

    Returns
    -------
    list of str
        Absolute, with the user of the page; folders end in a slash. Without links that have
        a query, that lead to another server, to the page itself or above it, or to hidden
        names.
    """
    parser = _Links()
    parser.feed(text)
    parser.close()
    base = urlsplit(page)
    folder = unquote(base.path).rpartition("/")[0] + "/"
    found: dict[str, str] = {}
    for link in parser.links:
        try:
            url = urlsplit(urljoin(page, link.strip()))
            same = url.scheme == base.scheme and _server(url) == _server(base)
        except ValueError:
            continue  # brackets that are no address
        path = unquote(url.path)
        beyond = path[len(folder):]
        if not same or url.query:
            continue
        if not path.startswith(folder) or not beyond or path == unquote(base.path):
            continue
        if any(part[:1] == "." for part in beyond.split("/")):
            continue
        found.setdefault(path, url._replace(netloc=base.netloc, fragment="").geturl())
    return list(found.values())


def _server(url):
    return url.hostname, url.port or {"http": 80, "https": 443}.get(url.scheme)


class _Links(HTMLParser):
    def __init__(self):
        super().__init__()
        self.links = []

    def handle_starttag(self, tag, attributes):
        if tag == "a":
            self.links += [value for name, value in attributes if name == "href" and value]
