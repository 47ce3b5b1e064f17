"""Reads messages the way Python does and says which words stand in them.

In comes the path of one message per line on standard input; out goes, for
each, one JSON object per line: {"path": ..., "words": {word: where}}, the
first place of each word. Nothing is written to disk, so a crash leaves
nothing.

This is the independent path of the completeness test: MIME by the package
email, charsets by Python's codecs, HTML by html.parser. It shares nothing with
the archive. What it asks for:

  - of Subject, From, To, Cc and Reply-To the words; of addresses in them the
    whole, the local part and the domain, which is how addresses are found;
  - the words of the names of attachments;
  - the words of plain and HTML parts, nested messages included with the
    headers above, of HTML what is visible and the texts of alt and title.

What it does not ask for, since one reader cannot hold it against another:

  - words with bytes in them that are not of the charset that the part names;
  - encoded-words that Python cannot decode;
  - parts with NUL bytes in them, which are no text;
  - text of a part that is base64 by its label and not by its content;
  - what stands behind the limits below, which are within the archive's.
"""

import codecs
import email
import email.errors
import email.header
import email.policy
import email.utils
import html.parser
import json
import re
import sys
import unicodedata

MAX_TEXT = 3 << 20  # characters of one message; the archive keeps 4 MiB
MAX_WORD = 200  # characters that are asked for; the archive tells words apart by 64 bytes
MAX_PARTS = 1500  # the archive reads 2,000
MAX_DEPTH = 40  # the archive goes down to 50

# The WHATWG Encoding Standard reads these as their supersets, since senders
# mean them so.
SUPERSETS = {
    "iso8859-1": "cp1252", "iso8859-9": "cp1254", "iso8859-11": "cp874", "tis-620": "cp874",
    "gb2312": "gb18030", "gbk": "gb18030", "shift_jis": "cp932", "euc_kr": "cp949", "big5": "cp950",
    "iso2022_jp": "iso2022_jp_ext",
}

# Elements that stand within words; all others part them.
INLINE = set(
    "a abbr acronym b bdi bdo big cite code del em font i ins kbd label mark q s samp small span strike strong sub sup"
    " tt u var wbr script style".split()
)


def codec(label):
    """Finds the codec of a label, "ascii" when there is none."""
    for name in (label, re.sub("^x-|-[ie]$", "", label)):  # iso-8859-8-i: bytes in logical order
        try:
            name = codecs.lookup(name).name
            "".encode(name)  # rules out codecs that are not of text
            return SUPERSETS.get(name, name)
        except (LookupError, ValueError, TypeError):
            pass
    return "ascii"


def decode(raw, label):
    """Decodes bytes by a label; without one by their escape sequences (RFC
    1468), as UTF-8 or as Windows-1252."""
    name = codec((label or "ascii").strip(" \"'").lower())
    if name == "ascii" and re.search(rb"\x1b\$[@B]", raw):
        name = SUPERSETS["iso2022_jp"]
    elif name == "ascii":
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            name = "cp1252"
    return raw.decode(name, "replace")


def header_text(value, charset):
    """Decodes a header field (RFC 2047), raw 8-bit as UTF-8 or the charset."""
    raw = str(value).encode("utf-8", "surrogateescape") if not isinstance(value, email.header.Header) else None
    if raw is None:
        raw = b"".join(
            part if isinstance(part, bytes) else part.encode("utf-8", "surrogateescape")
            for part, _ in getattr(value, "_chunks", [])
        )
    text = re.sub(r"\r?\n(?=[ \t])", "", raw.decode("latin-1"))
    pieces = []
    try:
        decoded = email.header.decode_header(text)
    except email.errors.HeaderParseError:
        decoded = [(text, None)]
    last, held = None, b""
    for piece, label in decoded + [(None, None)]:
        if piece is not None and label is not None and (label == last or last is None):
            last, held = label, held + piece
            continue
        if held:
            pieces.append(decode(held, last))
            last, held = None, b""
        if piece is None:
            break
        if label is not None:
            last, held = label, piece
            continue
        piece = piece if isinstance(piece, bytes) else piece.encode("latin-1", "replace")
        piece = UNREAD.sub(b" ", piece)
        if b"\x1b" in piece:
            pieces.append(decode(piece, charset))
            continue
        try:
            pieces.append(piece.decode("utf-8"))
        except UnicodeDecodeError:
            pieces.append(decode(piece, charset))
    return "".join(pieces)


UNREAD = re.compile(rb"=\?[\w-]+\?[bqBQ]\?\S*")  # encoded-words that Python cannot decode


class Visible(html.parser.HTMLParser):
    """Collects what a reader of the page sees."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.pieces, self.hidden = [], None

    def handle_starttag(self, tag, attrs):
        if tag in ("script", "style"):
            self.hidden = tag
        self.part(tag)
        for name, value in dict(reversed(attrs)).items():  # of two of a name the first counts (HTML 13.2.5.33)
            if name in ("alt", "title") and value and not self.hidden:
                self.pieces.append("\n" + value + "\n")

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        self.hidden = None

    def handle_endtag(self, tag):
        if tag == self.hidden:
            self.hidden = None
        self.part(tag)

    def part(self, tag):
        if tag not in INLINE and ":" not in tag:  # those of word processors stand within words
            self.pieces.append("\n")

    def handle_data(self, data):
        if not self.hidden:
            self.pieces.append(data)


def visible(page):
    reader = Visible()
    reader.feed(page)
    reader.close()
    return "".join(reader.pieces)


def kept(c):
    return c.isalnum() or unicodedata.category(c)[0] in "LNM"


# NUL, joiners, soft hyphens and marks of direction are not part of a word as it is
# typed; a zero-width space parts words.
VANISHING = {c: None for c in range(0x110000) if unicodedata.category(chr(c)) == "Cf" and c != 0x200B}
VANISHING[0] = None


def split(text):
    """Cuts text into words: letters, digits and marks; folded."""
    text = text.translate(VANISHING)
    for rough in re.split(r"[\x00-\x2f\x3a-\x40\x5b-\x60\x7b-\x7f\s]+", text):
        if not rough:
            continue
        if rough.isascii():
            yield rough.lower()[:MAX_WORD]
            continue
        word = ""
        for c in rough + " ":
            if kept(c) or c == "\ufffd":
                word += c
                continue
            if word and "\ufffd" not in word:
                folded = unicodedata.normalize("NFKC", word).casefold()
                yield (folded if all(map(kept, folded)) else word)[:MAX_WORD]
            word = ""


class Message:
    """Gathers the words of one message."""

    def __init__(self):
        self.words, self.room, self.parts = {}, MAX_TEXT, 0
        self.charset = None

    def text(self, where, text):
        text = text[: max(self.room, 0)]
        self.room -= len(text)
        for word in split(text):
            self.words.setdefault(word, where)

    def addresses(self, where, value):
        """Takes names by their words, addresses as they are asked for."""
        for name, address in email.utils.getaddresses([value]):
            self.text(where, header_text(name, self.charset))
            local, at, domain = address.rpartition("@")
            if not at or not local or not domain or re.search(r"[\s\"<>()\[\]\\,;:]|[^\x21-\x7e]", address):
                continue
            self.words.setdefault(address.lower(), where)
            self.words.setdefault(local.lower(), where)
            self.words.setdefault(domain.lower(), where)

    def headers(self, part, within):
        for value in part.get_all("subject", []):
            self.text(within + "subject", header_text(value, self.charset))
        for name in ("from", "to", "cc", "reply-to"):
            for value in part.get_all(name, []):
                if isinstance(value, str):
                    self.addresses(within + name, re.sub(r"\r?\n(?=[ \t])", "", value))

    def entity(self, part, depth, within, top=False):
        self.parts += 1
        if self.parts > MAX_PARTS or depth > MAX_DEPTH:
            return
        if top:
            self.headers(part, within)
        name = part.get_filename()
        if name:
            self.text(within + "attachment", header_text(name, self.charset))
        kind = part.get_content_type()
        payload = part.get_payload()
        if isinstance(payload, list):
            if kind == "message/rfc822":
                if (part.get("content-transfer-encoding") or "").strip().lower() in ("base64", "quoted-printable"):
                    return  # Python does not decode those
                for inner in payload:
                    self.entity(inner, depth + 1, "nested ", top=True)
            elif part.is_multipart() and kind.startswith("multipart/"):
                for inner in payload:
                    self.entity(inner, depth + 1, within)
        elif kind.startswith("text/"):
            self.leaf(part, kind, within)

    def leaf(self, part, kind, within):
        encoding = part.get("content-transfer-encoding")
        if encoding is not None:  # Python knows it only without white space
            part.replace_header("content-transfer-encoding", str(encoding).strip())
        raw = part.get_payload(decode=True) or b""
        if any(isinstance(d, (email.errors.InvalidBase64CharactersDefect, email.errors.InvalidBase64LengthDefect))
               for d in part.defects):
            return
        label = part.get_content_charset()
        if raw.count(0) > 4 and not re.match("utf-?(16|32)", label or "") and raw[:2] not in (b"\xff\xfe", b"\xfe\xff"):
            return
        text = decode(raw, label)
        if kind == "text/html":
            self.text(within + "html", visible(text))
        else:
            self.text(within + "plain", text)


def first_charset(message):
    for part in message.walk():
        if part.get_content_charset():
            return part.get_content_charset()
    return None


def main():
    for line in sys.stdin.buffer:
        path = line.rstrip(b"\n")
        result = {"path": path.decode("utf-8", "surrogateescape")}
        with open(path, "rb") as f:
            content = f.read().removeprefix(codecs.BOM_UTF8)
        message = email.message_from_bytes(content, policy=email.policy.compat32)
        m = Message()
        try:
            m.charset = first_charset(message)
            m.entity(message, 0, "", top=True)
        except Exception as e:  # what Python cannot read it does not ask for
            result["failed"] = "%s: %s" % (type(e).__name__, e)
        result["words"] = m.words
        result["defects"] = sorted({type(d).__name__ for p in message.walk() for d in p.defects})
        sys.stdout.write(json.dumps(result) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
